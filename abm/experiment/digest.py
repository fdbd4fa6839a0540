"""Digests: a short hash of anything by what it computes with, its code included.

Two things have one digest, in this process and in others, if they hold equal values and run equal
code: byte code and constants, closures and defaults, class attributes, base classes, and all that
the code names of its modules. Comments, names of files and numbers of lines do not count. Of an
installed package a name and the version stand for the code; of this package and of the libraries
that run.json holds, the name alone. What cannot be followed has no digest. Files that code reads
are not looked at.
"""

from __future__ import annotations

import builtins
import copyreg
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cached_property, partial
from hashlib import sha256
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

import numpy as np

from abm.experiment.byte_code import Import, list_attributes, list_globals, list_imports
from abm.experiment.errors import UnknownCodeError
from abm.experiment.origins import (
    LENGTH,
    is_library,
    is_told_elsewhere,
    name_module,
    name_origin,
    name_ufunc,
    require_told,
)
from abm.market.distributions import is_of_scipy

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
BOUND = (BuiltinFunctionType, MethodWrapperType)  # to a module, or to an object
UNBOUND = (WrapperDescriptorType, type(str.join), type(dict.__dict__["fromkeys"]),
    type(FunctionType.__code__), type(FunctionType.__globals__))  # fmt: skip
WRAPPERS = (staticmethod, classmethod)
NOT_TOLD = {  # where something is, how it is documented, and what Python keeps with a class
    "__name__", "__qualname__", "__module__", "__doc__", "__package__", "__loader__", "__spec__",
    "__path__", "__file__", "__cached__", "__builtins__", "__firstlineno__", "__slotnames__",
    "_abc_impl",
}  # fmt: skip
PROTOCOL = 4  # of pickling, by which objects are taken apart


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
    try:
        return _Walk().digest(value)
    except RecursionError as error:
        raise UnknownCodeError("it is nested too deeply to be taken apart") from error


class _Walk:
    """Takes a value apart; what was met before keeps its digest, and what contains itself ends."""

    def __init__(self) -> None:
        self.met: dict[int, tuple[Any, str]] = {}  # with the value, so that its id stays its own
        self.depth = 0

    def digest(self, value: Any) -> str:
        if id(value) in self.met:
            return self.met[id(value)][1]
        kind = type(value)
        self.met[id(value)] = value, f"{kind.__qualname__} at {self.depth}"
        self.depth += 1
        told = sha256(kind.__qualname__.encode())
        for part in self._tell(value):
            told.update(part if isinstance(part, bytes) else f" {part}".encode())
        self.depth -= 1
        self.met[id(value)] = value, told.hexdigest()[:LENGTH]
        return self.met[id(value)][1]

    def _tell(self, value: Any) -> Iterator[str | bytes]:
        """Yield what a value is, with the digests of its parts."""
        kind = type(value)
        require_told(value)
        if kind in PLAIN:
            yield repr(value)
        elif isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
            yield from (str(value.dtype), str(np.shape(value)), value.tobytes())
            if isinstance(value, np.ma.MaskedArray):
                yield self.digest([np.ma.getmaskarray(value), value.fill_value])
            elif kind is not np.ndarray:
                yield self.digest([kind, getattr(value, "__dict__", None)])
        elif kind in (list, tuple):
            yield from map(self.digest, value)
        elif kind in (set, frozenset):
            yield from sorted(map(self.digest, value))
        elif kind in (dict, MappingProxyType):
            yield from (self.digest(key) + self.digest(item) for key, item in value.items())
        elif isinstance(value, type):
            yield from self._tell_type(value)
        elif isinstance(value, FunctionType):
            yield from self._tell_function(value)
        elif isinstance(value, ModuleType):
            yield from self._tell_module(value)
        elif isinstance(value, UNBOUND):
            yield name_origin(value)
        else:
            yield from map(self.digest, self._take_apart(value))

    def _take_apart(self, value: Any) -> list[Any]:
        """Return the parts of an object that tell it apart from others."""
        if isinstance(value, Enum):
            return [type(value), value.name]
        if isinstance(value, partial):
            return [value.func, value.args, sorted(value.keywords.items())]
        if isinstance(value, property):
            return [value.fget, value.fset, value.fdel]
        if isinstance(value, cached_property):
            return [value.func]
        if isinstance(value, (MethodType, *WRAPPERS)):
            return [value.__func__, getattr(value, "__self__", None)]
        if isinstance(value, BOUND):
            return [name_origin(value), value.__self__]
        if isinstance(value, np.ufunc):
            return [name_ufunc(value)]
        if is_of_scipy(value, "rv_continuous", "rv_discrete"):
            state: Any = value.__getstate__()  # the random state is that of the whole program
            return [type(value), {**state, "_random_state": None}]
        try:
            known = copyreg.dispatch_table.get(type(value))
            reduced = known(value) if known else value.__reduce_ex__(PROTOCOL)
        except Exception as error:
            raise UnknownCodeError(
                f"{type(value).__qualname__} cannot be taken apart ({error})"
            ) from error
        if isinstance(reduced, str):  # it is pickled by its name
            return [type(value), reduced, getattr(value, "__dict__", None)]
        make, arguments, *rest = reduced
        parts = [list(part) if isinstance(part, Iterator) else part for part in rest]
        return [make, arguments, *parts]

    def _tell_module(self, module: ModuleType) -> Iterator[str]:
        """Yield the name of a module, and if it is not a library's all that it holds."""
        yield name_module(module.__name__)
        if not is_told_elsewhere(module.__name__):
            yield from self._tell_names(vars(module))

    def _tell_type(self, kind: type) -> Iterator[str]:
        """Yield the name of a class, and if it is not a library's what it and its bases define."""
        yield name_origin(kind)
        if not is_library(type(kind)):
            yield self.digest(type(kind))
        for base in kind.__mro__:
            if is_library(base):
                yield name_origin(base)
            else:
                yield from self._tell_names(vars(base))

    def _tell_names(self, held: Mapping[str, Any]) -> Iterator[str]:
        """Yield what a class or a module holds, by name."""
        yield from (f"{name} {self.digest(held[name])}" for name in sorted(held.keys() - NOT_TOLD))

    def _tell_function(self, function: FunctionType) -> Iterator[str]:
        home, code = function.__globals__, function.__code__
        if is_library(function):
            yield name_origin(function)
            return
        yield self.digest([function.__defaults__, function.__kwdefaults__, vars(function)])
        for cell in function.__closure__ or ():
            try:
                yield self.digest(cell.cell_contents)
            except ValueError:  # which is filled later
                yield "empty"
        if is_told_elsewhere(home.get("__name__", "")):  # made by a library from what was told
            yield f"{name_module(home['__name__'])}:{code.co_qualname}"
            return
        yield self._digest_code(code)
        attributes = list_attributes(code)
        for name in list_globals(code):
            named = home.get(name, vars(builtins).get(name))
            if name not in NOT_TOLD:
                yield f"{name} {self.digest(named)}"
            for part in attributes.get(name, ()):
                require_told(getattr(named, part, None))
        for one in list_imports(code):
            yield self._digest_import(one, home)

    def _digest_import(self, one: Import, home: dict[str, Any]) -> str:
        """Return the digest of what a function imports by itself, which is imported for it."""
        if not one.level and is_told_elsewhere(one.name):
            return name_module(one.name)
        try:
            return self.digest(__import__(one.name, home, None, one.names or (), one.level))
        except ModuleNotFoundError:
            return f"{one.name} is not there"

    def _digest_code(self, code: CodeType) -> str:
        """Return the digest of byte code, without file, lines and names of variables."""
        constants = [
            self._digest_code(one) if isinstance(one, CodeType) else self.digest(one)
            for one in code.co_consts
        ]
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        body = (code.co_code, code.co_names, code.co_exceptiontable)
        return self.digest([*body, constants, counts])
