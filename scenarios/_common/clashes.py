"""Other modules named `abm`, `analysis` or `scenarios`: in front of ours, or written over them.

They are found without an import, for `analysis.py` is often a user's script, which an import
would run.
"""

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("abm", "analysis", "scenarios")
HOME = Path(__file__).parents[2]  # where the three stand side by side
MARK = b"market-shock"  # stands in the __init__.py of each
SEPARATE = "install market-shock in an environment of its own"


def require_current_folder() -> None:
    """Raise RuntimeError if the current folder was removed, from which paths are taken."""
    try:
        Path.cwd()
    except OSError as error:
        raise RuntimeError(
            f"the current folder cannot be found ({error.strerror}), but the command starts from "
            f"it: change to a folder that is there"
        ) from None


def refuse_clashes() -> None:
    """Refuse to go on where an import of one of PACKAGES would not give market-shock's own.

    Raises
    ------
    RuntimeError
        If one is found elsewhere, or has another's `__init__.py`, or none.
    """
    for name in PACKAGES:
        own = HOME / name / "__init__.py"
        spec = find_spec(name)
        found = Path(spec.origin) if spec and spec.origin else own
        if found.resolve() != own.resolve():
            raise RuntimeError(f"{name} is {found}, not market-shock's: {_advise(found)}")
        if not own.exists() or MARK not in own.read_bytes():
            raise RuntimeError(
                f"{name} in {HOME} is no longer market-shock's, for another package "
                f"of that name was installed there: {SEPARATE}"
            )


def _advise(found: Path) -> str:
    """Return what to do about a module that is found before ours."""
    place = found.parent if found.name == "__init__.py" else found
    if place.parent.resolve() == Path.cwd().resolve():
        return f"rename {place.name}, or run from another folder"
    return f"take {place.parent} off PYTHONPATH, or {SEPARATE}"
