"""The command `market-shock`: list and run scenarios, tell what came of them, check makers."""

import sys
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from typer import Argument, Option

import scenarios
from abm.participants.registry import MAKER_TYPES
from abm.runs.schema import REPORT_FILE
from abm.runs.store import Store
from abm.testing import RULES, NonconformingError, check_maker
from analysis import load
from analysis.compare import compare
from analysis.report import report
from scenarios._common.study import StoppedError
from scenarios._common.terminal import say, show_comparison

INTERRUPTED = 130  # the exit code of a command stopped by Ctrl-C

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
runs = typer.Typer(no_args_is_help=True, help="Run a scenario.")
app.add_typer(runs, name="run")


def studies() -> dict[str, ModuleType]:
    """Return the scenarios by name: every file of this folder without an underscore in front."""
    files = (module.name for module in iter_modules(scenarios.__path__))
    return {
        file.replace("_", "-"): import_module(f"scenarios.{file}")
        for file in files
        if not file.startswith("_")
    }


@app.command("list")
def show() -> None:
    """List the scenarios and the makers, those of installed plug-ins included."""
    for heading, things in (("scenarios", scripts()), ("makers", makers())):
        typer.echo(f"{heading}:")
        for name, about in things.items():
            typer.echo(f"  {name:26s}{about}")


def scripts() -> dict[str, str]:
    """Return what each scenario is."""
    return {name: first_line(script) for name, script in studies().items()}


def makers() -> dict[str, str]:
    """Return what each maker is, or why she cannot be had."""
    about = {}
    for name in MAKER_TYPES.list_names():
        try:
            about[name] = first_line(MAKER_TYPES.find(name))
        except (ValueError, TypeError) as error:
            about[name] = f"cannot be used: {error}"
    return about


def first_line(thing: object) -> str:
    """Return the first line of what something says of itself."""
    return (thing.__doc__ or "").partition("\n")[0]


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


@app.command("check")
def check(
    maker: Annotated[str, Argument(help="A name, or module:Class.")],
    waive: Annotated[list[str] | None, Option(help="RULE=REASON: she may break it.")] = None,
) -> None:
    """Try a maker on the rules that the exchange and its users rely on."""
    waivers = dict(one.partition("=")[::2] for one in waive or [])
    check_maker(maker, waive=waivers)
    say(f"{maker} keeps all {len(RULES) - len(waivers)} rules that were tried")


for name, script in studies().items():
    runs.command(name)(script.run)


def main() -> None:
    """Run the command; an error the user can mend is one line, without a traceback."""
    warnings.showwarning = _warn
    sys.path.append(str(Path.cwd()))  # where `--makers module:Class` is looked for, too
    try:
        app()
    except StoppedError as stopped:
        _say("yellow", "stopped", stopped)
        raise SystemExit(INTERRUPTED) from None
    except (ValueError, TypeError, OSError, RuntimeError, NonconformingError) as error:
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
