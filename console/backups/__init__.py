"""Backups of the database: one file each, verified before it gets its name, and restoring one."""
