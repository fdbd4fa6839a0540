"""The description of a run in run.json: scenario, parameters, versions and code behind it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from abm.numerics.describe import list_some, show_plainly
from abm.runs.content import find_fault, parse_json
from abm.runs.errors import FolderTakenError
from abm.runs.integrity import Stamp
from abm.runs.names import BOOKKEEPING
from abm.runs.schema import BLOCKS, FORMAT, RUN_FILE, UNFINISHED_FILE, explain_format
from abm.runs.store import Store

LIBRARIES = ("market-shock", "mesa", "numpy", "scipy", "pandas", "pyarrow")

UNKNOWN = "unknown"  # how the hash of code begins that cannot be told from other code

Parameters = dict[str, Any]
View = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Description:
    """A run, as run.json describes it; made by `of` and `read`.

    Parameters
    ----------
    scenario : str
    parameters : dict
        What the run depends on, the seed included; numbers, strings, and lists or dicts of them.
    command : str
        How to repeat it, or empty.
    versions : dict of str
        Of Python and the libraries that results depend on.
    code : dict of str
        Hashes of this package, and of code and arguments of what points name.
    points : list of dict
        Of an experiment, the parameters of each of its points.
    views : dict of dict
        Of each table that is made of blocks' rows when it is read, its blocks in order, and with
        each the texts that columns in front have there.
    files : dict of Stamp
        Every file by name, once the run is whole.
    """

    scenario: str
    parameters: Parameters
    command: str
    versions: dict[str, str]
    code: dict[str, str]
    points: list[Parameters]
    views: dict[str, View] = field(default_factory=dict)
    files: dict[str, Stamp] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        scenario: str,
        parameters: Parameters,
        points: Sequence[Parameters],
        command: str,
        code: Mapping[str, str],
    ) -> Description:
        """Return the description of a run by this version, in the types that JSON gives back.

        Raises
        ------
        TypeError, ValueError
            If a parameter does not fit into JSON, or into a description.
        """
        own = as_json("parameters", parameters)
        made = cls(scenario, own, command, read_versions(), dict(code), _points_as_json(points))
        content = parse_json(made.to_json())
        del content["format"]
        if fault := find_fault(content):
            raise ValueError(f"{fault}: {RUN_FILE} could not be read otherwise; give it so")
        return made

    def to_json(self) -> bytes:
        """Return the bytes of run.json."""
        files = {name: stamp._asdict() for name, stamp in self.files.items()}
        content = {"format": FORMAT} | vars(self) | {"files": files}
        return f"{json.dumps(content, indent=2)}\n".encode()

    @classmethod
    def read(cls, store: Store, file: str) -> Description:
        """Return the description in a folder.

        Raises
        ------
        FolderTakenError
            If there is none, one in another format, or one that no run wrote.
        """
        where = store.path()
        try:
            content = parse_json(store.read(file))
            refusal = explain_format(where, content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise FolderTakenError(
                f"{where} holds files, but no run's {RUN_FILE}: "
                f"choose another folder (--out), or remove this one"
            ) from None
        if refusal:
            raise FolderTakenError(refusal)
        del content["format"]
        if fault := find_fault(content):
            raise FolderTakenError(
                f"{store.path(file)} is not what a run writes ({fault}): choose another folder "
                f"(--out), or remove this one"
            )
        files = {name: Stamp(**stamp) for name, stamp in content.pop("files").items()}
        return cls(**content, files=files)

    def require_same_run(self, there: Description, where: str) -> None:
        """Raise FolderTakenError unless the run described there is this one."""
        difference = _describe_difference(
            {"scenario": there.scenario} | there.parameters,
            {"scenario": self.scenario} | self.parameters,
        ) or _describe_difference(
            {f"point {number}": point for number, point in enumerate(there.points)},
            {f"point {number}": point for number, point in enumerate(self.points)},
        )
        if difference:
            raise FolderTakenError(
                f"{where} holds another run ({difference}): "
                f"choose another folder (--out), or remove this one"
            )

    def require_free(self, home: Store) -> None:
        """Raise FolderTakenError unless a folder is empty or holds an earlier run of the same."""
        where = home.path()
        if home.is_file():
            raise FolderTakenError(
                f"{where} is a file, but must be a folder: choose another (--out)"
            )
        files = home.sizes().keys()
        foreign = {f"{name}/" for name in home.list_folders() if name != BLOCKS}
        if files:
            whole = RUN_FILE in files
            there = Description.read(home, RUN_FILE if whole else UNFINISHED_FILE)
            self.require_same_run(there, where)
            foreign = (files - BOOKKEEPING - there.files.keys() if whole else set()) or foreign
        if foreign:
            raise FolderTakenError(
                f"{where} holds {list_some(map(show_plainly, sorted(foreign)))}, which no run "
                f"wrote there and which would be lost: move it away, or choose another folder "
                f"(--out)"
            )

    def require_same_versions(self, there: Description, where: str) -> None:
        """Raise FolderTakenError unless the run there was begun with these versions and code."""
        for name, told in (there.code | self.code).items():
            if told.startswith(UNKNOWN):
                raise FolderTakenError(
                    f"{where} cannot be resumed, for whether its code is still the same cannot be "
                    f"told ({name} is {told}): choose another folder (--out), or remove this one"
                )
        theirs, ours = there.versions | there.code, self.versions | self.code
        if difference := _describe_difference(theirs, ours):
            raise FolderTakenError(
                f"{where} was begun with other versions or code ({difference}), whose digits may "
                f"differ: resume it with those, choose another folder (--out), or remove this one"
            )


def read_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def as_json(name: str, value: Parameters) -> Parameters:
    """Return parameters in the types that JSON gives back."""
    if not isinstance(value, dict):
        raise TypeError(f"{name} are {value}, but must be a dict: give one")
    try:
        return dict(json.loads(json.dumps(value)))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"{name} are {value}, but must fit into {RUN_FILE} ({error}): "
            f"give numbers, strings, and lists of them"
        ) from None


def _points_as_json(points: Sequence[Parameters]) -> list[Parameters]:
    return [as_json("parameters of a point", point) for point in points]


def _describe_difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return the entries that differ and both values, in words; empty if none does."""
    both = [
        (name, there.get(name, "absent"), here.get(name, "absent")) for name in {**there, **here}
    ]
    return "; ".join(
        f"{show_plainly(name)} is {show_plainly(old)} there, {show_plainly(new)} here"
        for name, old, new in both
        if old != new
    )
