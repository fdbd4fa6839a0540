"""Where code comes from: from this package, a library, an installed package, or the user."""

import importlib
import pkgutil
import random
import runpy
import sys
import sysconfig
from functools import cache
from hashlib import sha256
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from abm.experiment.errors import UnknownCodeError
from abm.runs.description import LIBRARIES

OWN = "abm"
NAMED = {*LIBRARIES, OWN}
INSTALLED = {"site-packages", "dist-packages"}
STDLIB = sysconfig.get_path("stdlib")
MADE_BY_PYTHON = 1 << 9  # the flag of a class that is not compiled
ANYTHING = (  # what leads to any code
    eval, exec, globals, __import__, importlib.import_module, importlib.reload, sys.modules,
    sys._getframe, pkgutil.resolve_name, runpy.run_module, runpy.run_path,
)  # fmt: skip
MODULES_TO_ANYTHING = {"importlib", "pkgutil", "pydoc", "runpy"}  # if imported within a function
ATTRIBUTES_TO_ANYTHING = {"__globals__", "f_globals", "f_locals", "__subclasses__"}
PROGRAM_STATES = (np.random.mtrand._rand, random._inst)  # random states of the whole program
LENGTH = 12  # characters of a hash


def is_named_only(module: str) -> bool:
    """Return whether a module is this package's or a library's, whose code run.json tells."""
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names:
        return top in NAMED
    return all(place.startswith(STDLIB) for place in _find_places(top) if Path(place).is_absolute())


def is_told_elsewhere(module: str) -> bool:
    """Return whether a name, with a version, stands for the code of a module: it is installed."""
    if is_named_only(module):
        return True
    places = (Path(place).parts for place in _find_places(module))
    return any(not INSTALLED.isdisjoint(place) for place in places)


def is_library(value: Any) -> bool:
    """Return whether the name of a class or function stands for its code: it is a library's own.

    What a library made of the user's, or the user named like a library's, is not.
    """
    module = _read_module(value)
    if not is_told_elsewhere(module):
        return False
    if isinstance(value, type) and not value.__flags__ & MADE_BY_PYTHON:
        return True
    named: Any = sys.modules.get(module)
    for name in value.__qualname__.split("."):
        named = getattr(named, name, None)
    return named is value


def name_origin(value: Any) -> str:
    """Return where a class, function or method is, with the version of an installed package."""
    module = _read_module(getattr(value, "__objclass__", value))
    return f"{name_module(module)}:{getattr(value, '__qualname__', value)}"


def name_module(module: str) -> str:
    """Return the name of a module, with the version if it is of an installed package."""
    if is_named_only(module) or not is_told_elsewhere(module):
        return module
    packages = _list_packages().get(module.partition(".")[0], [])
    return " ".join([module, *(version(package) for package in sorted(packages))])


def _read_module(value: Any) -> str:
    module = getattr(value, "__module__", None)
    return module if isinstance(module, str) else "builtins"  # some compiled classes hold none


_list_packages = cache(packages_distributions)


def _find_places(module: str) -> list[str]:
    """Return the file of a module, or the folders of a package without one."""
    top = module.partition(".")[0]
    found: Any = sys.modules.get(module) or sys.modules.get(top)
    if found is None:
        spec = find_spec(top)
        return [spec.origin] if spec and spec.origin else []
    file = getattr(found, "__file__", None)
    return [file] if file else list(getattr(found, "__path__", []))


def hash_lines(content: bytes) -> str:
    """Return a hash of a text that is the same whichever way its lines end."""
    return sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:LENGTH]


def require_told(value: Any) -> None:
    """Raise UnknownCodeError for what may lead to any code, which names do not tell."""
    if any(value is one for one in ANYTHING):
        refuse_lead(getattr(value, "__name__", "sys.modules"))


def refuse_lead(name: str) -> NoReturn:
    """Raise UnknownCodeError for what is so named, and may lead to any code."""
    raise UnknownCodeError(f"what code it comes to by {name} cannot be told")
