"""Digests: a short hash of anything by what it computes with, its code included.

Two things have one digest, in this process and in others, if they hold equal values and run equal
code: byte code and constants, closures and defaults, class attributes, base classes, and all that
the code names of its modules. Comments, names of files and numbers of lines do not count. Of an
installed package a name and the version stand for the code; of this package and of the libraries
that run.json holds, the name alone.
"""

from __future__ import annotations

import builtins
import copyreg
import dis
from collections.abc import Iterator
from enum import Enum
from functools import cached_property, partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

import numpy as np
from scipy.stats import rv_continuous, rv_discrete

from abm.experiment.origins import LENGTH, hash_lines, is_told_elsewhere, name_module, name_origin

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
WITHOUT_CODE = (
    BuiltinFunctionType, WrapperDescriptorType, MethodWrapperType, np.ufunc,
    type(str.join), type(FunctionType.__code__), type(FunctionType.__globals__),
)  # fmt: skip
WRAPPERS = (staticmethod, classmethod)
PROTOCOL = 4  # of pickling, by which objects are taken apart


class UnknownCodeError(TypeError):
    """Something has no digest: it cannot be told whether it is the same in another process."""


def digest(value: Any) -> str:
    """Return the digest of a value, a class or a function.

    Raises
    ------
    UnknownCodeError
        If something in it cannot be taken apart, as an open file.

    Examples
    --------
    >>> digest([1.0, "a"]) == digest([1.0, "a"]), digest([1.0]) == digest([1])
    (True, False)
    """
    return _Walk().digest(value)


class _Walk:
    """Takes a value apart; what was met before keeps its digest, and what contains itself ends."""

    def __init__(self) -> None:
        self.met: dict[int, tuple[Any, str]] = {}  # with the value, so that its id stays its own

    def digest(self, value: Any) -> str:
        if id(value) in self.met:
            return self.met[id(value)][1]
        kind = type(value)
        self.met[id(value)] = value, f"within {kind.__qualname__}"
        told = sha256(kind.__qualname__.encode())
        for part in self._tell(value):
            told.update(part if isinstance(part, bytes) else f" {part}".encode())
        self.met[id(value)] = value, told.hexdigest()[:LENGTH]
        return self.met[id(value)][1]

    def _tell(self, value: Any) -> Iterator[str | bytes]:
        """Yield what a value is, with the digests of its parts."""
        kind = type(value)
        if kind in PLAIN:
            yield repr(value)
        elif isinstance(value, np.ndarray | np.generic) and value.dtype != object:
            yield from (value.dtype.str, str(np.shape(value)), value.tobytes())
            if kind is not np.ndarray:
                yield from self._tell_type(kind)
            if isinstance(value, np.ma.MaskedArray):
                yield self.digest(np.ma.getmaskarray(value))
        elif kind in (list, tuple):
            yield from map(self.digest, value)
        elif kind in (set, frozenset):
            yield from sorted(map(self.digest, value))
        elif kind is dict:
            yield from sorted(self.digest(key) + self.digest(item) for key, item in value.items())
        elif isinstance(value, type):
            yield from self._tell_type(value)
        elif isinstance(value, FunctionType):
            yield from self._tell_function(value)
        elif isinstance(value, ModuleType):
            yield name_module(value.__name__)  # what is used of it is told where it is used
        elif isinstance(value, WITHOUT_CODE):
            yield name_origin(value)
        else:
            yield from map(self.digest, self._take_apart(value))

    def _take_apart(self, value: Any) -> list[Any]:
        """Return the parts of an object that tell it apart from others."""
        if isinstance(value, Enum):
            return [type(value), value.name]
        if isinstance(value, partial):
            return [value.func, value.args, value.keywords]
        if isinstance(value, property):
            return [value.fget, value.fset, value.fdel]
        if isinstance(value, cached_property):
            return [value.func]
        if isinstance(value, (MethodType, *WRAPPERS)):
            return [value.__func__, getattr(value, "__self__", None)]
        if isinstance(value, rv_continuous | rv_discrete):
            state: Any = value.__getstate__()  # the random state is that of the whole program
            return [type(value), {**state, "_random_state": None}]
        if hasattr(value, "__wrapped__"):
            return [value.__wrapped__]
        try:
            known = copyreg.dispatch_table.get(type(value))
            reduced = known(value) if known else value.__reduce_ex__(PROTOCOL)
        except Exception as error:
            raise UnknownCodeError(
                f"{type(value).__qualname__} cannot be taken apart ({error})"
            ) from error
        if isinstance(reduced, str):
            return [type(value), reduced]
        make, arguments, *rest = reduced
        parts = [list(part) if isinstance(part, Iterator) else part for part in rest]
        return [make, arguments, *parts]

    def _tell_type(self, kind: type) -> Iterator[str]:
        """Yield the name of a class, and if it is not a library's what it and its bases define."""
        yield name_origin(kind)
        for base in kind.__mro__:
            if is_told_elsewhere(base.__module__):
                yield name_origin(base)
                continue
            for name, member in sorted(vars(base).items()):
                defined = callable(member) or isinstance(member, (property, *WRAPPERS))
                if defined or not (name.startswith("__") or name == "_abc_impl"):
                    yield f"{name} {self.digest(member)}"

    def _tell_function(self, function: FunctionType) -> Iterator[str]:
        if is_told_elsewhere(function.__module__ or "builtins"):
            yield name_origin(function)
            return
        yield self._digest_code(function.__code__)
        yield self.digest([function.__defaults__, function.__kwdefaults__])
        for cell in function.__closure__ or ():
            try:
                yield self.digest(cell.cell_contents)
            except ValueError:  # which is filled later
                yield "empty"
        names = sorted(_list_names(function.__code__))
        for name in names:
            if name in function.__globals__ and not hasattr(builtins, name):
                named = function.__globals__[name]
                yield f"{name} {self.digest(named)}"
                if isinstance(named, ModuleType) and not is_told_elsewhere(named.__name__):
                    for part in names:
                        if part in vars(named):
                            yield f"{name}.{part} {self.digest(vars(named)[part])}"
        for module in sorted(_list_imports(function.__code__)):
            yield self._tell_file(module)

    def _digest_code(self, code: CodeType) -> str:
        """Return the digest of byte code, without file, lines and names of variables."""
        constants = [
            self._digest_code(one) if isinstance(one, CodeType) else self.digest(one)
            for one in code.co_consts
        ]
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        return self.digest([code.co_code, code.co_names, constants, counts])

    def _tell_file(self, module: str) -> str:
        """Return the hash of a file that a function imports."""
        try:
            spec = None if is_told_elsewhere(module) else find_spec(module)
        except (ImportError, ValueError):
            spec = None
        file = Path(spec.origin) if spec and spec.origin else None
        return f"{module} {hash_lines(file.read_bytes()) if file and file.is_file() else ''}"


def _walk_code(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function, and of those within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _walk_code(constant)


def _list_names(code: CodeType) -> set[str]:
    """Return the names of globals and attributes in a function, and in those within it."""
    return {name for part in _walk_code(code) for name in part.co_names}


def _list_imports(code: CodeType) -> set[str]:
    """Return the modules that a function imports by itself."""
    lines = (line for part in _walk_code(code) for line in dis.get_instructions(part))
    return {line.argval for line in lines if line.opname == "IMPORT_NAME"} - {""}
