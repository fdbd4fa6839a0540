"""How long `market-shock --help` takes, beside that of an empty Typer app.

uv run pytest tests/benchmarks/test_startup_speed.py -s
"""

import resource
import subprocess
import sys
from statistics import median

ROUNDS = 21
MOST = 1.3  # times the empty app's
EMPTY = """
import typer
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for name in ("list", "report", "compare", "check", "run"):
    @app.command(name)
    def act() -> None:
        "Do something."
app()
"""
OURS = "from scenarios.__main__ import main; main()"


def measure_help(code: str) -> float:
    """Return the CPU time of the process that prints this program's help, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, "--help"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_takes_little_longer_than_that_of_an_empty_app() -> None:
    for code in (OURS, EMPTY):
        measure_help(code)  # compiles the modules
    ours, empty = zip(
        *((measure_help(OURS), measure_help(EMPTY)) for _ in range(ROUNDS)), strict=True
    )
    ratio = median(ours) / median(empty)
    print(f"\n--help: {1e3 * median(ours):.0f} ms of CPU, {ratio:.2f} times an empty app's")
    assert ratio <= MOST
