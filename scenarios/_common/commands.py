"""The commands below `market-shock run`: one for each scenario, which is imported when it is run.

Importing a scenario takes seconds, for it brings Mesa, pandas and matplotlib. Lists and help need
its name and the first line of its docstring only, and read these from the file. Of `abm`
nothing is imported above, for the command looks for clashes of that name first.
"""

import ast
from importlib import import_module
from inspect import Parameter, Signature, signature
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from scenarios._common.errors import CommandError

if TYPE_CHECKING:
    from scenarios._common.study import Study

FOLDER = Path(__file__).parents[1]
KIND = Parameter.POSITIONAL_OR_KEYWORD
TRACEBACK = "--traceback"


def find_scenarios() -> list[str]:
    """Return the names of the scenarios, in alphabetical order.

    A scenario is a module or package of the folder `scenarios` without an underscore in front.
    """
    files = (module.name for module in iter_modules([str(FOLDER)]))
    return [file.replace("_", "-") for file in files if not file.startswith("_")]


def list_scenarios() -> dict[str, str]:
    """Return the first line of each scenario's docstring, by name, in alphabetical order."""
    return {name: read_first_line(name) for name in find_scenarios()}


def read_first_line(name: str) -> str:
    """Return the first line of a scenario's docstring, or why there is none, without importing."""
    file = name.replace("-", "_")
    package = FOLDER / file / "__init__.py"
    source = package if package.exists() else FOLDER / f"{file}.py"
    try:
        return (ast.get_docstring(ast.parse(source.read_bytes())) or "").partition("\n")[0]
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, before Python 3.12
        return f"cannot be used: {error}"


class MainGroup(TyperGroup):
    """The commands of `market-shock`; one that does not exist is an error with the nearest."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options in front of the command; --traceback may also come after it."""
        rest = [word for word in args if word != TRACEBACK]
        return super().parse_args(ctx, rest if rest == args else [TRACEBACK, *rest])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the command and the arguments left; CommandError if there is none."""
        if args[0] in find_scenarios():
            raise CommandError(
                f"command is {args[0]!r}, but that is a scenario: give market-shock run {args[0]}"
            )
        if args[0] not in self.commands:
            from abm.numerics.names import describe_unknown

            raise CommandError(describe_unknown("command", args[0], self.commands))
        return super().resolve_command(ctx, args)


class ScenarioGroup(TyperGroup):
    """Lists every scenario, and imports the one that is run or asked for its own help."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the scenarios."""
        return find_scenarios()

    def get_command(self, ctx: Any, name: str) -> Any:
        """Return what stands for a scenario in a list: a command with its first line."""
        return TyperCommand(name, help=read_first_line(name))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the command and the arguments left; the command is the scenario's own.

        Raises
        ------
        CommandError
            If there is no such scenario, with the nearest name and all others.
        """
        name, *rest = args
        if name not in (known := find_scenarios()):
            from abm.numerics.names import describe_unknown

            raise CommandError(describe_unknown("scenario", name, known))
        return name, load_command(name), rest


class ScenarioCommand(TyperCommand):
    """Runs a scenario; an option that it lacks is an error that says which one was meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; CommandError if some are unknown."""
        from scenarios._common.slips import GENERAL, explain_unknown, find_unknown

        own = {
            name: "" if getattr(option, "is_flag", False) else make_example(option.default)
            for option in self.get_params(ctx)
            for name in option.opts
        }
        if unknown := find_unknown(args, {name: bool(example) for name, example in own.items()}):
            general = {
                field.name.replace("_", "-"): make_example(field.default)
                for field in find_study(GENERAL).list_options()
            }
            own = {name.lstrip("-"): example for name, example in own.items()}
            raise CommandError(explain_unknown(str(ctx.info_name), unknown, own, general))
        return super().parse_args(ctx, args)


def make_example(default: object) -> str:
    """Return a value that an option may be given: its default, or a word for it."""
    return "VALUE" if default is None else str(default)


def load_command(name: str) -> Any:
    """Return the command that runs a scenario: its options are its study's, and those of a run."""
    from scenarios._common.study import Study

    study = find_study(name)
    own = [
        Parameter(option.name, KIND, default=option.default, annotation=option.type)
        for option in study.list_options()
    ]
    _, out, *how = signature(study.run).parameters.values()
    if study.draw_figures is Study.draw_figures:  # there is none to have a format
        how = [option for option in how if option.name != "formats"]

    def run(**given: Any) -> None:
        refuse_memory(given["out"])
        options = {option.name: given.pop(option.name) for option in own}
        study(**options).run(**given)

    vars(run)["__signature__"] = Signature([*own, out.replace(default=f"runs/{name}"), *how])
    single = typer.Typer(add_completion=False)
    single.command(name, cls=ScenarioCommand, help=study.__doc__)(run)
    return typer.main.get_command(single)


def refuse_memory(out: str) -> None:
    """Raise ValueError if a run is to be written where nothing stays after the command."""
    from abm.runs.store import Store

    if not Store(out).shared:
        raise ValueError(
            f"out is {out!r}, but what is in memory is gone when the command ends: give --out a "
            f"folder, or a URL of what stays"
        )


def find_study(name: str) -> "type[Study]":
    """Return the study of a scenario: the one subclass of `Study` that its module defines.

    Raises
    ------
    TypeError
        If it defines none, or several.
    ValueError
        If the module does not import.
    """
    from scenarios._common.study import Study

    try:
        module = import_module(f"scenarios.{name.replace('-', '_')}")
    except Exception as error:
        raise ValueError(
            f"scenario {name!r} cannot be loaded, for its module does not import "
            f"({type(error).__name__}: {error}): repair it"
        ) from error
    studies = [
        member
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, Study)
        and member.__module__ == module.__name__
    ]
    if len(studies) != 1:
        raise TypeError(
            f"{module.__name__} defines {len(studies)} studies, but a scenario is one: give it one "
            f"subclass of scenarios._common.study.Study"
        )
    return studies[0]
