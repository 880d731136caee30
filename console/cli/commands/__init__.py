"""The commands, one a file: the docstring's first line is its help, `add_arguments(parser)` its options,
`run(args, context)` its work.

A command is found by its file's name; a trailing underscore keeps a name of Python's free (`import_.py` is
`import`). Only the chosen command is imported, so what is heavy is imported at the head of the module that
needs it.
"""
