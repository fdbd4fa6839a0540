"""The names of the files of a run: whatever else a folder or a description says is not a run's.

A name from outside is checked here before a file of that name is read, written or removed.
"""

import re

from abm.runs.schema import BLOCKS, MANIFEST_FILE, REPORT_FILE, RUN_FILE, UNFINISHED_FILE

BOOKKEEPING = {RUN_FILE, UNFINISHED_FILE, MANIFEST_FILE, REPORT_FILE}  # never listed in `files`
KINDS = ("parquet", "csv", "png", "pdf", "svg")  # of a study's files beside its blocks

_BLOCK = r"[0-9]{4,9}-[0-9]{5,9}"
BLOCK = re.compile(_BLOCK)  # POINT-BLOCK
BLOCK_FILE = re.compile(rf"{BLOCKS}/({_BLOCK})\.parquet")
PLAIN = re.compile(r"(?!\.)[^/\\:\x00-\x1f\x7f]+")  # of a file in the folder itself
PARTIAL = re.compile(r"\..+\.[0-9a-f]{32}\.market-shock")  # of a file while it is written


def is_block(name: object) -> bool:
    """Whether this names a block."""
    return isinstance(name, str) and bool(BLOCK.fullmatch(name))


def find_block(file: str) -> str:
    """Return the block of a block's file; empty if it is another file."""
    match = BLOCK_FILE.fullmatch(file)
    return match[1] if match else ""


def find_point(block: str) -> int:
    """Return the number of a block's point."""
    return int(block.partition("-")[0])


def find_number(block: str) -> int:
    """Return the number of a block at its point."""
    return int(block.partition("-")[2])


def is_listed(name: str) -> bool:
    """Whether a description can list a file of this name: a block's, or one beside the blocks."""
    plain = PLAIN.fullmatch(name) is not None and name not in BOOKKEEPING
    return plain or bool(find_block(name))


def is_study_file(name: str) -> bool:
    """Whether a study that was stopped may have left a file of this name, unlisted."""
    return is_listed(name) and name.rpartition(".")[2] in KINDS


def require_listed(name: str) -> None:
    """Raise ValueError if no description can list a file of this name."""
    if not is_listed(name):
        raise ValueError(f"{explain_name(name)}: give it another")


def explain_name(name: str) -> str:
    """Return the rule that a name breaks that no file of a run has."""
    return (
        f"{name!r} is no file of a run: a name has neither a path nor a dot in front, and a "
        f"block's is {BLOCKS}/POINT-BLOCK.parquet"
    )
