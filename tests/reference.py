"""Make the reference of all wings from their docstrings: `python tests/reference.py FOLDER`."""

import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import GenericAlias

import pandas as pd
from pdoc import pdoc, render
from pdoc.extract import walk_specs

ROOT = Path(__file__).parents[1]
PACKAGES = ("abm", "analysis", "scenarios")
OPTIONAL = {"stable_baselines": "stable_baselines3"}  # modules by what they need


def list_modules() -> list[str]:
    """Return every module but commands and what needs more, packages before what is in them."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    left_out = {"__main__"} | {name for name in OPTIONAL if not find_spec(OPTIONAL[name])}
    paths = [file.relative_to(ROOT).with_suffix("") for file in files if file.stem not in left_out]
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


def write_reference(folder: Path) -> None:
    """Write a page of HTML for every module.

    pdoc passes over what is not in a package's __all__, and reads annotations: pd.Series[float] is
    one for pandas's stubs alone.
    """
    chosen: list[str] = []
    walked: set[str] = set()
    for name in list_modules():
        if name not in walked:
            chosen.append(name)
            walked.update(walk_specs([name]))
    pd.Series.__class_getitem__ = classmethod(GenericAlias)  # type: ignore[attr-defined]
    warnings.filterwarnings("ignore", r".*Import of [A-Z] failed")  # type variables of Mesa 3.5
    render.configure(docformat="numpy", show_source=False)
    pdoc(*chosen, output_directory=folder)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    write_reference(Path(sys.argv[1]))
