"""What a source says, read into values: one pure reader a form."""
