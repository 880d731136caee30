"""Files that come in: read line by line, by their form, and from the drop folder."""
