"""What byte code names, of a function and of those within it: globals and imports."""

import dis
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

LOADS = {"LOAD_GLOBAL", "LOAD_NAME"}
ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}


class Import(NamedTuple):
    """An import that a function does by itself, with the arguments of `__import__`."""

    name: str
    names: tuple[str, ...] | None
    level: int


class Names(NamedTuple):
    """What code names.

    Parameters
    ----------
    read : dict of str to set of str
        What is read of the module, or of the builtins, with the attributes that are read of it.
    imports : list of Import
    """

    read: dict[str, set[str]]
    imports: list[Import]


def read_names(code: CodeType) -> Names:
    r"""Return what code names.

    Examples
    --------
    >>> read_names(compile("import os\nprint(os.sep)", "", "exec"))
    Names(read={'print': set(), 'os': {'sep'}}, imports=[Import(name='os', names=None, level=0)])
    """
    read: dict[str, set[str]] = {}
    imports = []
    lines = list(_walk_lines(code))
    for at, line in enumerate(lines):
        if line.opname in LOADS:
            read.setdefault(line.argval, set())
        elif line.opname in ATTRIBUTES and lines[at - 1].opname in LOADS:
            read[lines[at - 1].argval].add(line.argval)
        elif line.opname == "IMPORT_NAME":
            imports.append(Import(line.argval, lines[at - 1].argval, lines[at - 2].argval))
    return Names(read, imports)


def _walk_lines(code: CodeType) -> Iterator[dis.Instruction]:
    """Yield the instructions of code, and of the code within it."""
    yield from (line for line in dis.get_instructions(code) if line.opname != "EXTENDED_ARG")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _walk_lines(constant)
