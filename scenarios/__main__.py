"""The command `market-shock`: list scenarios and makers, run a scenario, tell what came of it."""

import warnings
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from typer import Argument

import scenarios
from abm.makers import registered
from abm.schema import REPORT_FILE
from abm.store import Store
from analysis import load
from analysis.compare import compare
from analysis.report import report
from scenarios._study import StoppedError
from scenarios._terminal import say, show_comparison

INTERRUPTED = 130  # the exit code of a command stopped by Ctrl-C

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
runs = typer.Typer(no_args_is_help=True, help="Run a scenario.")
app.add_typer(runs, name="run")


def found() -> dict[str, ModuleType]:
    """Return the scenarios by name: every file of this folder without an underscore in front."""
    names = (module.name for module in iter_modules(scenarios.__path__))
    return {
        name.replace("_", "-"): import_module(f"scenarios.{name}")
        for name in names
        if not name.startswith("_")
    }


@app.command("list")
def show() -> None:
    """List the scenarios and the makers."""
    for heading, things in (("scenarios", found()), ("makers", registered())):
        typer.echo(f"{heading}:")
        for name, thing in things.items():
            typer.echo(f"  {name:20s}{(thing.__doc__ or '').partition(chr(10))[0]}")


@app.command("report")
def make_report(
    folder: Annotated[str, Argument(help="Of a finished run, or its URL.")],
) -> None:
    """Write one page of HTML about a run into its folder: report.html."""
    page = report(load(folder)).encode()
    Store(folder).write(REPORT_FILE, page)
    say(f"The report is {folder.rstrip('/')}/{REPORT_FILE}")


@app.command("compare")
def make_comparison(
    first: Annotated[str, Argument(help="Folder of a finished run, or its URL.")],
    second: Annotated[str, Argument(help="Of another.")],
) -> None:
    """Tell what differs between two runs, in parameters and in results."""
    show_comparison(compare(load(first), load(second)))


for name, scenario in found().items():
    runs.command(name)(scenario.run)


def main() -> None:
    """Run the command; an error the user can mend is one line, without a traceback."""
    warnings.showwarning = _warn
    try:
        app()
    except StoppedError as stopped:
        _say("yellow", "stopped", stopped)
        raise SystemExit(INTERRUPTED) from None
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        _say("red", "error", error)
        raise SystemExit(1) from None


def _say(colour: str, what: str, message: object) -> None:
    """Print a message of one line to the standard error."""
    said = f"[bold {colour}]{what}:[/] {escape(str(message))}"
    Console(stderr=True, soft_wrap=True).print(said, highlight=False)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    _say("yellow", "warning", message)


if __name__ == "__main__":
    main()
