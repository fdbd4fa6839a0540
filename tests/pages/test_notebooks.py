"""Notebooks: they run from top to bottom, their values show themselves, and are stored without."""

from functools import cache
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.files import ROOT

pytestmark = pytest.mark.slow

FOLDER = ROOT / "scenarios" / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def read_notebook(name: str) -> Any:
    return nbformat.reads((FOLDER / name).read_text(), as_version=4)  # type: ignore[no-untyped-call]


@cache
def run_notebook(name: str) -> Any:
    """Return a notebook with what its cells gave; an error of a cell is raised."""
    client = NotebookClient(read_notebook(name), resources={"metadata": {"path": str(FOLDER)}})
    return client.execute()


def find_results(name: str) -> dict[str, dict[str, str]]:
    """Return what cells show of their last value, by the last line of the cell."""
    return {
        cell.source.splitlines()[-1]: output.data
        for cell in run_notebook(name).cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result"
    }


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_without_what_its_cells_gave(name: str) -> None:
    cells = [cell for cell in read_notebook(name).cells if cell.cell_type == "code"]
    assert cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own libraries
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom_and_warns_of_nothing(name: str) -> None:
    warned = [
        output.text
        for cell in run_notebook(name).cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    ours = [text for text in warned if "TqdmWarning" not in text]  # which Mesa brings
    assert ours == []


@pytest.mark.filterwarnings("ignore")
def test_figures_show_themselves() -> None:
    results = find_results("tour.ipynb")
    for line in (
        "analysis.plot(market)",
        'run.plot("spread")',
        'run.plot("profit", by="prior_sd")',
    ):
        assert len(results[line]["image/png"]) > 10_000


@pytest.mark.filterwarnings("ignore")
def test_markets_tapes_solutions_and_runs_show_a_table_with_a_thumbnail() -> None:
    results = find_results("tour.ipynb")
    for line in ("market", "market.tape", "solve(discount=0.9)"):
        assert "<table>" in results[line]["text/html"]
        assert "<polyline" in results[line]["text/html"]
    assert "6 points in makers, prior_sd" in results["run"]["text/html"]


@pytest.mark.filterwarnings("ignore")
def test_values_show_in_one_line() -> None:
    results = find_results("tour.ipynb")
    assert results["market"]["text/plain"] == (
        "Exchange(optimal, zero-profit; prior_sd=3, 200 markets, period 50)"
    )
    assert all(len(data["text/plain"]) <= 200 for data in results.values())
