"""Parts of objects: what tells one apart from others, as pickling would have it."""

import copyreg
from collections.abc import Iterator
from enum import Enum
from functools import cached_property, partial
from types import BuiltinFunctionType, MethodType, MethodWrapperType
from typing import Any

import numpy as np
from scipy import special

from abm.experiment.errors import UnknownCodeError
from abm.experiment.origins import name_origin

BOUND = (BuiltinFunctionType, MethodWrapperType)  # to a module, or to an object
WRAPPERS = (staticmethod, classmethod)
PROTOCOL = 4  # of pickling, by which objects are taken apart


def take_apart(value: Any) -> list[Any]:
    """Return the parts of an object that tell it apart from others."""
    kind = type(value)
    if isinstance(value, Enum):
        return [kind, vars(value)]
    if kind is partial:
        func, given, named, attributes = value.__reduce__()[2]  # vars would make it another one
        return [func, given, sorted(named.items()), attributes]
    if isinstance(value, property):
        return [kind, value.fget, value.fset, value.fdel, getattr(value, "__dict__", None)]
    if kind is cached_property:
        return [value.func]
    if isinstance(value, (MethodType, *WRAPPERS)):
        return [kind, value.__func__, getattr(value, "__self__", None)]
    if isinstance(value, BOUND):
        return [name_origin(value), value.__self__]
    if isinstance(value, np.ufunc):
        return [name_ufunc(value)]
    try:
        known = copyreg.dispatch_table.get(kind)
        reduced = known(value) if known else value.__reduce_ex__(PROTOCOL)
    except Exception as error:
        raise UnknownCodeError(f"{kind.__qualname__} cannot be taken apart ({error})") from error
    if isinstance(reduced, str):  # it is pickled by its name
        return [kind, reduced, getattr(value, "__dict__", None)]
    make, arguments, *rest = reduced
    parts = [list(part) if isinstance(part, Iterator) else part for part in rest]
    return [make, arguments, *parts]


def name_ufunc(ufunc: np.ufunc) -> str:
    """Return the name of a function of arrays that NumPy or SciPy has, not made of another."""
    for library in (np, special):
        if getattr(library, ufunc.__name__, None) is ufunc:
            return f"{library.__name__}:{ufunc.__name__}"
    raise UnknownCodeError(f"{ufunc!r} cannot be taken apart (it is neither NumPy's nor SciPy's)")
