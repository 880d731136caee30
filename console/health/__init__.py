"""Whether the workspace is well: the figures judged, and the room on its disk."""
