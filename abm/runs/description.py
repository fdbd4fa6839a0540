"""What a run says of itself: the scenario, the parameters, and the versions that made it."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from abm.runs.integrity import Stamp
from abm.runs.location import FolderTakenError
from abm.runs.schema import FORMAT, MANIFEST_FILE, REPORT_FILE, RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store

LIBRARIES = ("market-shock", "mesa", "numpy", "scipy", "pandas", "pyarrow")
KEPT = {RUN_FILE, UNFINISHED_FILE, MANIFEST_FILE, REPORT_FILE}  # what no run counts as its own

Parameters = dict[str, Any]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


@dataclass(frozen=True)
class Description:
    """A run, as run.json has it.

    Parameters
    ----------
    scenario : str
    parameters : dict
        What the run depends on, the seed included; numbers, strings, and lists or dicts of them.
    points : list of dict
        Of an experiment, the parameters of each of its points.
    command : str
        How to repeat it, or nothing.
    files : dict of Stamp
        Every file by name, once the run is whole.

    Raises
    ------
    TypeError
        If a parameter does not fit into JSON.
    """

    scenario: str
    parameters: Parameters
    points: list[Parameters] = field(default_factory=list)
    command: str = ""
    files: dict[str, Stamp] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=versions)
    format: int = FORMAT

    def __post_init__(self) -> None:
        for name, kind in (("parameters", dict), ("points", list)):
            value = getattr(self, name)
            try:
                as_json = json.loads(json.dumps(value))
            except TypeError as error:
                raise TypeError(
                    f"{name} are {value}, but must fit into {RUN_FILE} ({error}): "
                    f"give numbers, strings, and lists of them"
                ) from None
            if not isinstance(as_json, kind):
                raise TypeError(f"{name} are {value}, but must be a {kind.__name__}: give one")
            object.__setattr__(self, name, as_json)

    def to_json(self) -> bytes:
        """Return the bytes of run.json."""
        files = {name: stamp._asdict() for name, stamp in self.files.items()}
        text = json.dumps(
            {
                "format": self.format,
                "scenario": self.scenario,
                "parameters": self.parameters,
                "command": self.command,
                "versions": self.versions,
                "points": self.points,
                "files": files,
            },
            indent=2,
        )
        return f"{text}\n".encode()

    @classmethod
    def read(cls, store: Store, file: str) -> Description:
        """Return the description in a folder.

        Raises
        ------
        FolderTakenError
            If there is none, or one in another format.
        """
        where = store.path()
        try:
            said = json.loads(store.read(file))
            written = said["format"]
            if written == FORMAT:
                files = {name: Stamp(**stamp) for name, stamp in said.pop("files").items()}
                return cls(**said, files=files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise FolderTakenError(
                f"{where} holds files, but no run's {RUN_FILE}: "
                f"choose another folder (--out), or remove this one"
            ) from None
        raise FolderTakenError(
            f"{where} holds a run in format {written}, but this version writes format {FORMAT}: "
            f"choose another folder (--out), or remove this one"
        )

    def require_same_run(self, there: Description, where: str) -> None:
        """Raise FolderTakenError unless the run described there is this one."""
        sides = (self, there)
        ours, theirs = ({"scenario": one.scenario} | one.parameters for one in sides)
        if ours == theirs:
            ours, theirs = (dict(_numbered(one.points)) for one in sides)
        if ours != theirs:
            raise FolderTakenError(
                f"{where} holds another run ({_difference(theirs, ours)}): "
                f"choose another folder (--out), or remove this one"
            )

    def require_free(self, home: Store) -> None:
        """Raise FolderTakenError unless a folder is empty, or holds an earlier run like this."""
        where = home.path()
        if home.is_file():
            raise FolderTakenError(
                f"{where} is a file, but must be a folder: choose another (--out)"
            )
        found = set(home.sizes())
        if not found:
            return
        whole = RUN_FILE in found
        there = Description.read(home, RUN_FILE if whole else UNFINISHED_FILE)
        self.require_same_run(there, where)
        if whole and (foreign := found - KEPT - set(there.files)):
            raise FolderTakenError(
                f"{where} holds {', '.join(sorted(foreign))}, which the run there did not write "
                f"and which would be lost: move it away, or choose another folder (--out)"
            )

    def require_same_versions(self, there: Description, where: str) -> None:
        """Raise FolderTakenError unless the run there was begun with these versions."""
        ours, theirs = ({"format": one.format} | one.versions for one in (self, there))
        if ours != theirs:
            raise FolderTakenError(
                f"{where} was begun with other versions ({_difference(theirs, ours)}), whose "
                f"digits may differ: go on with those, choose another folder (--out), or remove "
                f"this one"
            )


def _numbered(points: list[Parameters]) -> Iterator[tuple[str, Any]]:
    """Yield the points, each under a name of its own."""
    for number, point in enumerate(points):
        yield f"point {number}", point


def _difference(there: Parameters, here: Parameters) -> str:
    """Return where two sets of parameters differ, in words."""
    both = [
        (name, there.get(name, "absent"), here.get(name, "absent")) for name in {**there, **here}
    ]
    return "; ".join(f"{name} is {old} there, {new} here" for name, old, new in both if old != new)
