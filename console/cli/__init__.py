"""The command line: what each command is handed, what it prints, and the commands themselves."""
