"""The description of a run in run.json, as analysis needs it."""

import json
from os import PathLike
from pathlib import Path
from typing import Any

from abm.numerics.describe import show_value
from abm.runs.content import find_fault, parse_json
from abm.runs.schema import explain_format
from analysis.files import LogError, find_run

MOST = 2**63  # from which on a whole number fits into no column


def read_description(folder: str | Path, file: str) -> dict[str, Any]:
    """Return the entries of the description of a run.

    Raises
    ------
    LogError
        If this is not a run's description, or one in another format.
    TypeError
        If the folder is neither a path nor a URL.
    """
    if not isinstance(folder, str | PathLike):
        raise TypeError(
            f"folder is {show_value(folder)}, but must be a path or a URL: give the folder of a "
            f'finished run, as "runs/paper"'
        )
    system, root = find_run(folder)
    try:
        if not system.isfile(path := f"{root}/{file}"):  # a pipe would be waited for
            raise FileNotFoundError(path)
        content = parse_json(system.cat_file(path))
        refusal = explain_format(folder, content)
    except OSError:
        raise LogError(
            f"{folder} holds no {file}, so no whole run: give the folder of a finished run"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LogError(
            f"{folder}/{file} is not a run's description: give the folder of a finished run"
        ) from None
    if refusal:
        raise LogError(refusal)
    del content["format"]
    if fault := find_fault(content) or find_fault_in_points(content["points"]):
        raise LogError(
            f"{folder}/{file} is not a run's description ({fault}): give the folder of a finished "
            f"run"
        )
    return dict(content)


def find_fault_in_points(points: list[dict[str, Any]]) -> str:
    """Return why points cannot label the rows of tables; empty if they can."""
    for name in points[0] if points else ():
        if not name.isprintable():
            return f"a parameter of points is {show_value(name)}, but must be a plain name"
        first = points[0][name]
        for point in points:
            value = point[name]
            if type(value) is not type(first) or not _is_label(value):
                return (
                    f"{name} of a point is {show_value(value)}, but must be a number or text, of "
                    f"one type at all points"
                )
    if len({json.dumps(point, sort_keys=True) for point in points}) < len(points):
        return "two points are the same, but results are told apart by them"
    return ""


def _is_label(value: object) -> bool:
    """Whether this is text or a number that a column can hold."""
    if isinstance(value, float):
        return value == value  # not NaN
    return isinstance(value, str) or (isinstance(value, int) and -MOST <= value < MOST)
