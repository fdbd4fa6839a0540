"""The current folder, of which nothing runs unless it is asked for, as `module:Class`.

Python looks for modules there first where it is begun by `python -m`, and libraries look wherever
modules are found for packages that extend them. So the command leaves it, until it is asked for.
"""

import os
import sys
from pathlib import Path

_HOME = str(Path(__file__).parents[2])  # where this package is


def find_current_folder() -> str:
    """Return the path of the current folder; empty if it was removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def is_current_folder(path: str) -> bool:
    """Return whether an entry of `sys.path` is the current folder, if this package is elsewhere."""
    here = find_current_folder()
    return os.path.normpath(path) in {os.curdir, here} and here != _HOME


def leave_current_folder() -> None:
    """Take the current folder off the path of modules if it is the first there."""
    if sys.path and is_current_folder(sys.path[0]):
        del sys.path[0]


def enter_current_folder() -> None:
    """Let Python find modules in the current folder, too: those that are nowhere else."""
    here = find_current_folder()
    if here and here not in sys.path:
        sys.path.append(here)
