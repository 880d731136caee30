"""Whether the workspace is well, and who is told.

watching    what is wrong although nobody has noted it
judgement   the figures judged; disk: the room there is
observing   one look, for whoever watches
notifying   a command or a webhook on changes; metrics: the numbers for Prometheus
"""
