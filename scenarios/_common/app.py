"""The command `market-shock`: lists and runs scenarios, reports on runs, checks participants.

Each command imports what it needs when it is called, so that help and a misspelt option load
neither a scenario nor Mesa, pandas or matplotlib. What is imported above comes from `scenarios`
alone, so that `run_command` can look first whether `abm` and `analysis` are this project's.
"""

import os
import warnings
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from scenarios._common.clashes import refuse_clashes, require_current_folder
from scenarios._common.commands import MainGroup, ScenarioGroup, list_scenarios
from scenarios._common.complaints import Request, explain_errors, warn
from scenarios._common.layout import find_width, format_list, wrap
from scenarios._common.output import escape_controls, print_any_text

if TYPE_CHECKING:
    from abm.participants.registry import Registry

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
    traceback: Annotated[
        bool, Option("--traceback", help="Show where in the code an error arose.")
    ] = False,
) -> None:
    """Simulate dealer markets after a shock: run scenarios, report on them, check participants."""
    context.ensure_object(Request).traceback = traceback
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
        typer.echo(escape_controls(format_list(lines, find_width())))


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

    page = report(load(folder)).encode()
    file = f"{(folder or '.').rstrip('/')}/{REPORT_FILE}"
    try:
        Store(folder).write(REPORT_FILE, page)
    except OSError as error:
        raise OSError(
            f"{file} cannot be written ({error.strerror or error}), but the run is whole: make "
            f"room there, or let it be written, and give market-shock report {folder} again"
        ) from error
    typer.echo(escape_controls(f"The report is {file}"))


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
    name: Annotated[
        str, Argument(help="Of a maker or trader, or module:Class (of the current folder, too).")
    ],
    waive: Annotated[
        list[str] | None, Option(help="RULE=REASON: do not try this rule; may be repeated.")
    ] = None,
) -> None:
    """Try a maker, or a trader, on the rules that the exchange and its users rely on."""
    from abm.participants.registry import MAKER_TYPES
    from abm.testing import RULES, TRADER_RULES, NonconformingError, check_maker, check_trader
    from scenarios._common.choices import parse_participant

    registry, choice = parse_participant(name)
    is_maker = registry is MAKER_TYPES
    waivers = dict(waiver.partition("=")[::2] for waiver in waive or [])
    try:
        (check_maker if is_maker else check_trader)(choice, waive=waivers)
    except NonconformingError as error:
        raise ValueError(error) from None
    tried = len(RULES if is_maker else TRADER_RULES) - len(waivers)
    typer.echo(escape_controls(f"{registry.noun} {name} keeps all {tried} rules that were tried"))


def run_command() -> None:
    """Run the command and exit; an error is one line."""
    print_any_text()
    warnings.showwarning = warn
    os.environ["MPLBACKEND"] = "agg"  # figures go to files: a notebook's backend may be named there
    request = Request()
    with explain_errors(request):
        require_current_folder()
        refuse_clashes()
        from abm.participants.current_folder import leave_current_folder

        leave_current_folder()
        raise SystemExit(app(obj=request, standalone_mode=False))
