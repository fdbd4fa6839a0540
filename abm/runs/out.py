"""Where a run may not be written, which is known before it begins."""

import os
from os import PathLike, fsencode
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from abm.numerics.describe import show_value
from abm.runs.store import UNCHAINED


def check_out(out: str | Path) -> None:
    """Raise unless a run can be named so: by a path or URL, but not of the current folder.

    Raises
    ------
    TypeError
        If it is neither a path nor a URL.
    ValueError
        If no file can have such a path, or a URL ends in another on this machine; or if the current
        folder is there or below: a run is written beside its folder and then takes its place, and
        the current one would be removed.
    """
    if not isinstance(out, str | PathLike):
        raise TypeError(
            f'out is {show_value(out)}, but must be a path or a URL: give a folder, as "runs/mine"'
        )
    if "\0" in str(out) or not str(out) or not _is_text(str(out)):
        raise ValueError(
            f"out is {str(out)!r}, but must be the path of a folder, of text without NUL: give "
            f"one, as runs/mine"
        )
    *outer, last = str(out).split("::")
    if outer and last.partition("://")[0] in {*UNCHAINED, last}:
        raise ValueError(
            f"out is {str(out)!r}, but a run on this machine is written to a plain folder: give "
            f"its path without '::'"
        )
    path = find_local_path(str(out))
    if path and Path.cwd().resolve().is_relative_to(path):
        raise ValueError(
            f"out is {str(out)!r}, which is or holds the current folder, but a run takes the place "
            f"of its folder: give one below, as {str(out).rstrip('/')}/mine"
        )


def find_local_path(out: str) -> Path | None:
    """Return the path of a folder of this machine; None for a URL of elsewhere, or of nowhere."""
    try:
        files, root = url_to_fs(out)
    except (ImportError, ValueError):
        return None
    if not isinstance(files, LocalFileSystem):
        return None
    try:
        path = Path(root).resolve()
        if any(map(os.path.islink, (path, *path.parents))):  # as of a loop since Python 3.13
            raise OSError
        return path
    except (RuntimeError, OSError):
        raise ValueError(
            f"out is {out!r}, which is a link that leads back to itself: give a folder"
        ) from None


def _is_text(path: str) -> bool:
    """Whether the system has bytes for every character of a path."""
    try:
        fsencode(path)
    except UnicodeEncodeError:
        return False
    return True
