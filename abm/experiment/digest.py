"""Digests: a short hash of anything by what it computes with, its code included.

Two things have one digest, in this process and in others, if they hold equal values and run equal
code: byte code and constants, closures and defaults, class attributes, base classes, and all that
the code names of its modules. Comments, names of files and numbers of lines do not count. Of an
installed package a name and the version stand for the code; of this package and of the libraries
that run.json holds, the name alone. What leads to code by a text, as `eval`, has no digest. Not
looked at: files and pickles that code reads, and what an object's own `__reduce__` leaves out.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from types import (
    CodeType,
    FunctionType,
    MappingProxyType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from abm.experiment.byte_code import Import, read_names
from abm.experiment.errors import UnknownCodeError
from abm.experiment.origins import (
    ATTRIBUTES_TO_ANYTHING,
    LENGTH,
    MODULES_TO_ANYTHING,
    PROGRAM_STATES,
    is_library,
    is_told_elsewhere,
    name_module,
    name_origin,
    refuse_lead,
    require_told,
)
from abm.experiment.parts import take_apart

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), type(NotImplemented))
UNBOUND = (WrapperDescriptorType, type(str.join), type(dict.__dict__["fromkeys"]),
    type(FunctionType.__code__), type(FunctionType.__globals__))  # fmt: skip
NOT_TOLD = {  # where something is, how it is documented, and what Python keeps with a class
    "__name__", "__qualname__", "__module__", "__doc__", "__package__", "__loader__", "__spec__",
    "__path__", "__file__", "__cached__", "__builtins__", "__firstlineno__", "__slotnames__",
    "_abc_impl", "_value2member_map_", "__warningregistry__",
}  # fmt: skip


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


def _require_names_told(named: Any, mentioned: set[str]) -> None:
    """Raise UnknownCodeError if code that knows a module, by any name, may ask it for any code."""
    if isinstance(named, ModuleType):
        for name in vars(named).keys() & mentioned:
            require_told(vars(named)[name])


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
        elif kind is WeakKeyDictionary:
            yield "a memory"  # of what is alive: as that of functools.singledispatch
        elif any(value is state for state in PROGRAM_STATES):
            yield "the random state of the whole program"
        elif isinstance(value, np.ndarray | np.generic) and not value.dtype.hasobject:
            yield from self._tell_array(value)
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
            yield from map(self.digest, take_apart(value))

    def _tell_array(self, value: Any) -> Iterator[str | bytes]:
        """Yield the numbers of an array, without the bytes between them, which may be anything."""
        yield from (str(value.dtype), str(np.shape(value)))
        if value.dtype.names:
            yield from (self.digest(np.asarray(value[name])) for name in value.dtype.names)
        elif value.dtype.char in "gG":
            yield from map(repr, np.ravel(value))
        else:
            yield value.tobytes()
        if isinstance(value, np.ma.MaskedArray):
            yield self.digest([type(value), np.ma.getmaskarray(value), value.fill_value])
        elif type(value) is not np.ndarray:
            yield self.digest([type(value), getattr(value, "__dict__", None)])

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
        from_library = is_told_elsewhere(home.get("__name__", ""))
        for cell in function.__closure__ or ():
            try:
                held = cell.cell_contents
            except ValueError:  # which is filled later
                yield "empty"
            else:
                yield self.digest(held)
        if from_library:  # made from what was told
            yield f"{name_module(home['__name__'])}:{code.co_qualname}"
            return
        yield self._digest_code(code)
        names = read_names(code)
        for name, attributes in sorted(names.read.items()):
            named = home.get(name, vars(builtins).get(name))
            if name not in NOT_TOLD:
                yield f"{name} {self.digest(named)}"
            for attribute in attributes:
                require_told(getattr(named, attribute, None))
            _require_names_told(named, names.mentioned)
        for one in names.imports:
            yield self._digest_import(one, home)
            _require_names_told(sys.modules.get(one.name), names.mentioned)

    def _digest_import(self, one: Import, home: dict[str, Any]) -> str:
        """Return the digest of what a function imports by itself, which is imported for it."""
        if not one.level and is_told_elsewhere(one.name):
            if one.name.partition(".")[0] in MODULES_TO_ANYTHING:
                refuse_lead(one.name)
            return name_module(one.name)
        try:
            module = __import__(one.name, home, None, one.names or (), one.level)
        except ModuleNotFoundError:
            return f"{one.name} is not there"
        except Exception as error:
            raise UnknownCodeError(f"{one.name} cannot be imported ({error})") from error
        return self.digest(module)

    def _digest_code(self, code: CodeType) -> str:
        """Return the digest of byte code, without file, lines and names of local variables."""
        constants = [
            self._digest_code(one) if isinstance(one, CodeType) else self.digest(one)
            for one in code.co_consts
        ]
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if leads := ATTRIBUTES_TO_ANYTHING.intersection(code.co_names):
            refuse_lead(min(leads))
        body = (code.co_code, code.co_names, code.co_exceptiontable)
        return self.digest([*body, constants, counts, named])
