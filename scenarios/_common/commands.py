"""The commands below `market-shock run`: one for each scenario, which is imported when it is run.

Importing a scenario takes seconds, for it brings Mesa, pandas and matplotlib. Lists and help need
its name and the first line of its docstring only, and read these from the file.
"""

import ast
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

FOLDER = Path(__file__).parents[1]


def list_scenarios() -> dict[str, str]:
    """Return the first line of each scenario's docstring, by name, in alphabetical order.

    A scenario is a module or package of the folder `scenarios` without an underscore in front.
    """
    files = (module.name for module in iter_modules([str(FOLDER)]))
    return {
        file.replace("_", "-"): read_first_line(file) for file in files if not file.startswith("_")
    }


def read_first_line(file: str) -> str:
    """Return the first line of a scenario's docstring, or why there is none, without importing."""
    package = FOLDER / file / "__init__.py"
    source = package if package.exists() else FOLDER / f"{file}.py"
    try:
        return (ast.get_docstring(ast.parse(source.read_bytes())) or "").partition("\n")[0]
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, before Python 3.12
        return f"cannot be used: {error}"


class ScenarioGroup(TyperGroup):
    """Lists every scenario, and imports the one that is run or asked for its own help."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the scenarios; commands with their first lines stand for them."""
        self.commands = {
            name: TyperCommand(name, help=line) for name, line in list_scenarios().items()
        }
        return super().list_commands(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the command and the arguments left; the command is the scenario's own.

        Raises
        ------
        UsageError
            If there is no such scenario, with the nearest names.
        """
        self.list_commands(ctx)
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest


def load_command(name: str) -> Any:
    """Return the command that runs a scenario, whose options are those of its function `run`."""
    single = typer.Typer(add_completion=False)
    single.command(name)(import_module(f"scenarios.{name.replace('-', '_')}").run)
    return typer.main.get_command(single)
