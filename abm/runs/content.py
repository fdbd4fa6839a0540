"""What run.json must hold: each entry of its type, and no file but a run's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from abm.numerics.describe import show_plainly, show_value
from abm.runs.names import explain_name, find_block, find_point, is_listed
from abm.runs.schema import BLOCKS

DEEPEST = 20  # lists and dicts within each other
HASH = re.compile(r"[0-9a-f]{64}")
TOO_DEEP = f"lists and dicts are more than {DEEPEST} within each other"


def parse_json(content: bytes) -> Any:
    """Return the value that JSON stands for.

    Raises
    ------
    ValueError
        If this is no JSON, has text that is no Unicode, or is nested too deeply.
    """
    try:
        value = json.loads(content)
        if b"\\ud" in content.lower():  # an escape may stand for half a character
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    level, depth = _list_inner([value]), 0
    while level:
        level, depth = (
            _list_inner(part for outer in level for part in _list_parts(outer)),
            depth + 1,
        )
        if depth > DEEPEST:
            raise ValueError(TOO_DEEP)
    return value


def _list_inner(parts: Iterable[Any]) -> list[Any]:
    """Return those parts that are lists or dicts themselves."""
    return [part for part in parts if isinstance(part, list | dict)]


def _list_parts(value: Any) -> Iterable[Any]:
    """Return what a list or a dict holds."""
    return value.values() if isinstance(value, dict) else value


def find_fault(content: Mapping[str, Any]) -> str:
    """Return what is wrong with a description: value and rule; empty if nothing is.

    `content` is that of run.json without its format.
    """
    for name, (is_right, rule) in ENTRIES.items():
        if name not in content:
            return f"{name} is missing"
        if not is_right(content[name]):
            return f"{name} is {show_value(content[name])}, but must be {rule}"
    if unknown := content.keys() - ENTRIES.keys():
        return f"{show_plainly(min(unknown))} is unknown"
    return _find_fault_in_files(content["files"], len(content["points"])) or _find_fault_in_views(
        content["views"], content["files"]
    )


def is_stamp(size: object, sha256: object, tables: object) -> bool:
    """Whether a file's size, hash and tables are of the right types."""
    right_size = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    right_hash = isinstance(sha256, str) and HASH.fullmatch(sha256) is not None
    return right_size and right_hash and isinstance(tables, list) and all(map(_is_name, tables))


def _find_fault_in_files(files: Mapping[str, Any], points: int) -> str:
    for name, stamp in files.items():
        if not is_listed(name):
            return explain_name(name)
        block = find_block(name)
        if block and points and find_point(block) >= points:
            return f"{name} is of a point beyond the {points} points"
        if not (isinstance(stamp, dict) and stamp.keys() == {"size", "sha256", "tables"}):
            return f"{name} has the stamp {show_value(stamp)}, but must have size, sha256, tables"
        if not is_stamp(**stamp) or (stamp["tables"] and not block):
            return (
                f"{name} has the stamp {show_value(stamp)}, but must have a number of bytes, 64 "
                f"hexadecimal digits, and the names of a block's tables"
            )
    return ""


def _find_fault_in_views(views: Mapping[str, Any], files: Mapping[str, Any]) -> str:
    for table, blocks in views.items():
        if f"{table}.parquet" in files:
            return f"{show_plainly(table)} is both a view of blocks and a file"
        columns = next(iter(blocks.values())).keys()
        for block, labels in blocks.items():
            stamp = files.get(f"{BLOCKS}/{block}.parquet")
            if not stamp or table not in stamp["tables"]:
                return f"the view {show_plainly(table)} is of {show_plainly(block)}, which lacks it"
            if labels.keys() != columns:
                return f"blocks of the view {show_plainly(table)} have different columns in front"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _is_dict_of_text(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_dict_of_views(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(blocks, dict) and blocks and all(map(_is_dict_of_text, blocks.values()))
        for blocks in value.values()
    )


def _is_list_of_points(value: object) -> bool:
    if not isinstance(value, list) or not all(map(_is_dict, value)):
        return False
    return all(point.keys() == value[0].keys() for point in value)


ENTRIES: dict[str, tuple[Callable[[object], bool], str]] = {
    "scenario": (_is_text, "text"),
    "parameters": (_is_dict, "a dict"),
    "command": (_is_text, "text"),
    "versions": (_is_dict_of_text, "a dict of text"),
    "code": (_is_dict_of_text, "a dict of text"),
    "points": (_is_list_of_points, "a list of dicts with the same names"),
    "views": (_is_dict_of_views, "a dict of tables, each a dict of blocks with dicts of text"),
    "files": (_is_dict, "a dict of stamps"),
}
