"""The files of a workspace, read into one checked value; `read_workspace` from a folder, `read_files` from
memory.
"""

from console.workspace.faults import Fault, WorkspaceError
from console.workspace.reading import Workspace, read_files, read_workspace

__all__ = ["Fault", "Workspace", "WorkspaceError", "read_files", "read_workspace"]
