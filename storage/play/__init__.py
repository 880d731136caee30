"""What playing a customer reads and writes: dossiers out of the database, plans into it."""
