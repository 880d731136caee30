"""The playbook in force, and what becomes of customers under way when another one is put in force."""
