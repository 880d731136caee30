"""The composition root: command line, configuration, clock, scheduler, dispatcher, intake, channels and
connectors.
"""
