"""The description of a run in run.json: scenario, parameters, versions and code behind it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from abm.runs.integrity import Stamp
from abm.runs.location import FolderTakenError
from abm.runs.schema import (
    FORMAT,
    MANIFEST_FILE,
    REPORT_FILE,
    RUN_FILE,
    UNFINISHED_FILE,
    explain_format,
)
from abm.runs.store import Store

LIBRARIES = ("market-shock", "mesa", "numpy", "scipy", "pandas", "pyarrow")
BOOKKEEPING = {RUN_FILE, UNFINISHED_FILE, MANIFEST_FILE, REPORT_FILE}  # never listed in `files`

UNKNOWN = "unknown"  # how the hash of code begins that cannot be told from other code

Parameters = dict[str, Any]


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
    files : dict of Stamp
        Every file by name, once the run is whole.
    """

    scenario: str
    parameters: Parameters
    command: str
    versions: dict[str, str]
    code: dict[str, str]
    points: list[Parameters]
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
        TypeError
            If a parameter does not fit into JSON.
        """
        own = _as_json("parameters", parameters)
        libraries = {name: version(name) for name in LIBRARIES}
        versions = {"python": platform.python_version()} | libraries
        return cls(scenario, own, command, versions, dict(code), _points_as_json(points))

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
            If there is none, or one in another format.
        """
        where = store.path()
        try:
            content = json.loads(store.read(file))
            refusal = explain_format(where, content)
            if not refusal:
                del content["format"]
                content["parameters"] = _as_json("parameters", content["parameters"])
                content["points"] = _points_as_json(content["points"])
                files = {name: Stamp(**stamp) for name, stamp in content.pop("files").items()}
                return cls(**content, files=files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise FolderTakenError(
                f"{where} holds files, but no run's {RUN_FILE}: "
                f"choose another folder (--out), or remove this one"
            ) from None
        raise FolderTakenError(refusal)

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
        if not files:
            return
        whole = RUN_FILE in files
        there = Description.read(home, RUN_FILE if whole else UNFINISHED_FILE)
        self.require_same_run(there, where)
        if whole and (foreign := files - BOOKKEEPING - there.files.keys()):
            raise FolderTakenError(
                f"{where} holds {', '.join(sorted(foreign))}, which the run there did not write "
                f"and which would be lost: move it away, or choose another folder (--out)"
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


def _as_json(name: str, value: Parameters) -> Parameters:
    """Return parameters in the types that JSON gives back."""
    if not isinstance(value, dict):
        raise TypeError(f"{name} are {value}, but must be a dict: give one")
    try:
        return dict(json.loads(json.dumps(value)))
    except TypeError as error:
        raise TypeError(
            f"{name} are {value}, but must fit into {RUN_FILE} ({error}): "
            f"give numbers, strings, and lists of them"
        ) from None


def _points_as_json(points: Sequence[Parameters]) -> list[Parameters]:
    return [_as_json("parameters of a point", point) for point in points]


def _describe_difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return the entries that differ and both values, in words; empty if none does."""
    both = [
        (name, there.get(name, "absent"), here.get(name, "absent")) for name in {**there, **here}
    ]
    return "; ".join(f"{name} is {old} there, {new} here" for name, old, new in both if old != new)
