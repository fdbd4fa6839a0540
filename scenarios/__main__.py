"""The command `market-shock`: list scenarios and makers, or run a scenario."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import typer
from rich.console import Console
from rich.markup import escape

import scenarios
from abm.makers import registered

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


for name, scenario in found().items():
    runs.command(name)(scenario.run)


def main() -> None:
    """Run the command; an error the user can mend is one line, without a traceback."""
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        Console(stderr=True, soft_wrap=True).print(
            f"[bold red]error:[/] {escape(str(error))}", highlight=False
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
