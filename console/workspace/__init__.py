"""The files of a workspace, read into one checked value: `reading.read_workspace` from a folder,
`reading.read_files` from memory. Nothing is imported here: most commands need only `layout`, and the reader
is slower to import than they are to run.
"""
