"""Where code comes from: from this package, a library, an installed package, or the user."""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from abm.runs.description import LIBRARIES

OWN = "abm"
NAMED = sys.stdlib_module_names.union(LIBRARIES, [OWN])
INSTALLED = {"site-packages", "dist-packages"}
LENGTH = 12  # characters of a hash


def is_named_only(module: str) -> bool:
    """Return whether a module is this package's or a library's, whose code run.json tells."""
    return module.partition(".")[0] in NAMED


def is_told_elsewhere(module: str) -> bool:
    """Return whether a name, with a version, stands for the code of a module: it is installed."""
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return is_named_only(module) or not INSTALLED.isdisjoint(Path(file).parts)


def name_origin(value: Any) -> str:
    """Return where a class, function or method is, with the version of an installed package."""
    owner = getattr(value, "__objclass__", value)
    module = getattr(owner, "__module__", None) or "builtins"
    return f"{name_module(module)}:{getattr(value, '__qualname__', value)}"


def name_module(module: str) -> str:
    """Return the name of a module, with the version if it is of an installed package."""
    version = getattr(sys.modules.get(module.partition(".")[0]), "__version__", "")
    installed = is_told_elsewhere(module) and not is_named_only(module)
    return f"{module} {version}" if installed else module


def hash_lines(content: bytes) -> str:
    """Return a hash of a text that is the same whichever way its lines end."""
    return sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:LENGTH]
