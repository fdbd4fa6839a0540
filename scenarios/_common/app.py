"""The command `market-shock`: lists and runs scenarios, reports on runs, checks makers.

Each command imports what it needs when it is called, so that help and a misspelt option load
neither a scenario nor Mesa, pandas or matplotlib. What is imported above comes from `scenarios`
alone, so that `run_command` can look first whether `abm` and `analysis` are this project's.
"""

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from scenarios._common.clashes import refuse_clashes
from scenarios._common.commands import MainGroup, ScenarioGroup, list_scenarios
from scenarios._common.errors import STOPPED, CommandError, StoppedError
from scenarios._common.layout import find_width, format_list, wrap, wrap_message

if TYPE_CHECKING:
    from abm.participants.registry import Registry

MISTAKEN = 2  # the exit code of a command line with a mistake
USAGE_ERROR: Any = typer.BadParameter.__base__  # click's own, which new versions of Typer contain

ABOUT = (
    "Market Shock {}: dealer markets after a shock to the value, simulated. Market-makers who "
    "compete, or one alone, quote to traders who know more, and learn the value from their trades."
)
BEGIN = {
    "market-shock list": "scenarios, makers and traders",
    "market-shock run paper --replications 1000": "Das and Magdon-Ismail (2008), reproduced",
    "market-shock run sweep --prior-sd 3": "three makers after a shock of one size",
}

app = typer.Typer(cls=MainGroup, add_completion=False, pretty_exceptions_enable=False)
runs = typer.Typer(cls=ScenarioGroup)
app.add_typer(runs, name="run")


def print_version(asked: bool) -> None:
    """Print the version and leave, if the option is given."""
    if asked:
        from abm import __version__

        typer.echo(f"market-shock {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def describe(
    context: typer.Context,
    _version: Annotated[
        bool,
        Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Simulate dealer markets after a shock: run scenarios, report on them, check makers."""
    if context.invoked_subcommand is None:
        from abm import __version__

        width = find_width()
        typer.echo(wrap(ABOUT.format(__version__), width))
        typer.echo(f"\nTo begin with:\n{format_list(BEGIN, width)}")
        typer.echo("\nEvery command: market-shock --help")


@runs.callback(invoke_without_command=True)
def describe_runs(context: typer.Context) -> None:
    """Run a scenario."""
    if context.invoked_subcommand is None:
        typer.echo("Name a scenario, as in market-shock run paper:")
        typer.echo(format_list(list_scenarios(), find_width()))
        typer.echo("\nIts options: market-shock run NAME --help")


@app.command("list")
def print_list() -> None:
    """List the scenarios, makers and traders, those of installed plug-ins included."""
    from abm.participants.registry import MAKER_TYPES, TRADER_TYPES

    listings = {
        "scenarios": list_scenarios(),
        "makers": describe_types(MAKER_TYPES),
        "traders": describe_types(TRADER_TYPES),
    }
    for heading, lines in listings.items():
        typer.echo(f"{heading}:")
        typer.echo(format_list(lines, find_width()))


def describe_types(registry: "Registry[Any]") -> dict[str, str]:
    """Return the first line of each registered class's docstring, or why it cannot be used."""
    lines = {}
    for name in registry.list_names():
        try:
            lines[name] = (registry.find(name).__doc__ or "").partition("\n")[0]
        except (ValueError, TypeError) as error:
            lines[name] = f"cannot be used: {error}"
    return lines


@app.command("report")
def write_report(
    folder: Annotated[str, Argument(help="Folder of a finished run, or its URL.")],
) -> None:
    """Write an HTML page about a run into its folder: report.html."""
    from abm.runs.schema import REPORT_FILE
    from abm.runs.store import Store
    from analysis import load
    from analysis.report import report

    Store(folder).write(REPORT_FILE, report(load(folder)).encode())
    typer.echo(f"The report is {folder.rstrip('/')}/{REPORT_FILE}")


@app.command("compare")
def print_comparison(
    first: Annotated[str, Argument(help="Folder of a finished run, or its URL.")],
    second: Annotated[str, Argument(help="Folder of another finished run, or its URL.")],
) -> None:
    """Show how two runs differ, in parameters and in results."""
    from analysis import load
    from analysis.compare import compare
    from scenarios._common.terminal import show_comparison

    show_comparison(compare(load(first), load(second)))


@app.command("check")
def check(
    maker: Annotated[str, Argument(help="A name, or module:Class.")],
    waive: Annotated[
        list[str] | None, Option(help="RULE=REASON: do not try this rule; may be repeated.")
    ] = None,
) -> None:
    """Try a maker on the rules that the exchange and its users rely on."""
    from abm.testing import RULES, NonconformingError, check_maker

    waivers = dict(waiver.partition("=")[::2] for waiver in waive or [])
    try:
        check_maker(maker, waive=waivers)
    except NonconformingError as error:
        raise ValueError(error) from None
    typer.echo(f"{maker} keeps all {len(RULES) - len(waivers)} rules that were tried")


def run_command() -> None:
    """Run the command and exit; an error that the user can put right is one line."""
    warnings.showwarning = _warn
    sys.path.append(str(Path.cwd()))  # so that `--makers module:Class` finds modules there
    try:
        refuse_clashes()
        raise SystemExit(app(standalone_mode=False))
    except StoppedError as stopped:
        _complain("yellow", "stopped", stopped)
        raise SystemExit(STOPPED) from None
    except CommandError as error:
        _complain("red", "error", error)
        raise SystemExit(MISTAKEN) from None
    except USAGE_ERROR as error:
        command = error.ctx.command_path if error.ctx else "market-shock"
        _complain("red", "error", f"{error.format_message().rstrip('.')}; see {command} --help")
        raise SystemExit(MISTAKEN) from None
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        _complain("red", "error", error)
        raise SystemExit(1) from None


def _complain(colour: str, what: str, message: object) -> None:
    """Print a message to the standard error, wrapped if that is a terminal."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, soft_wrap=True)
    text = wrap_message(f"{what}: {message}", console.width if sys.stderr.isatty() else None)
    line = f"[bold {colour}]{what}:[/]{escape(text.removeprefix(f'{what}:'))}"
    console.print(line, highlight=False)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    _complain("yellow", "warning", message)
