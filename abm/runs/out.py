"""Where a run may not be written, which is known before it begins."""

from os import PathLike
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from abm.numerics.describe import show_value


def check_out(out: str | Path) -> None:
    """Raise unless a run can be named so: by a path or URL, but not of the current folder.

    Raises
    ------
    TypeError
        If it is neither a path nor a URL.
    ValueError
        If no file can have such a path, or the current folder is there or below: a run is written
        beside its folder and then takes its place, and the current one would be removed.
    """
    if not isinstance(out, str | PathLike):
        raise TypeError(
            f'out is {show_value(out)}, but must be a path or a URL: give a folder, as "runs/mine"'
        )
    if "\0" in str(out) or not str(out):
        raise ValueError(
            f"out is {str(out)!r}, but must be the path of a folder, without NUL: give one, as "
            f"runs/mine"
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
    return Path(root).resolve() if isinstance(files, LocalFileSystem) else None
