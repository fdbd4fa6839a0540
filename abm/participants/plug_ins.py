"""Plug-ins: what installed packages offer by entry points; nothing in the current folder is one."""

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, distributions

from abm.participants.current_folder import is_current_folder


def list_plug_ins(group: str) -> list[EntryPoint]:
    """Return the entry points of a group in all installed packages."""
    return find_entry_points(group, tuple(path for path in sys.path if not is_current_folder(path)))


@lru_cache(maxsize=2)
def find_entry_points(group: str, path: tuple[str, ...]) -> list[EntryPoint]:
    """Return the entry points of a group on a path; of two packages with one name, the first's."""
    packages: dict[str, list[EntryPoint]] = {}
    for package in distributions(path=list(path)):
        if points := list(package.entry_points.select(group=group)):
            packages.setdefault(package.name, points)
    return [point for points in packages.values() for point in points]


def name_origin(plug_in: EntryPoint) -> str:
    """Return the location of an entry point's class, and the package that offers it."""
    package = plug_in.dist.name if plug_in.dist else "a package"
    return f"{plug_in.value} of {package}"
