"""The report, opened in a real browser without a network: all is shown, and all is right."""

import html
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from typer.testing import CliRunner

from abm import Exchange
from abm.runs.folder import RunFolder
from abm.runs.schema import MAKERS, MARKET, REPORT_FILE
from analysis import Run, facets, load
from analysis.canvas import encode_figure
from analysis.claims import CLAIMS_FILE, Claim, claims_table
from analysis.load import LogError
from analysis.report import report
from analysis.results import comparisons, format_estimates, results
from scenarios._common.app import app
from tests.files import ROOT

pytestmark = pytest.mark.slow

NASTY = '<b>&"{{ 7 * 6 }}</b>'
CLAIMS = [
    Claim("Fig. 1", "above zero & <i>so on</i>", 0.5, 0.01, 99, 0.0),
    Claim("Fig. 2", 'below "zero"', 0.25, 0.02, 99, high=0.0),
    Claim("Th. 2.1", "above zero", 0.001, 0.125, 99, 0.0),
]
MANY = ",".join(f"{number / 8}" for number in range(4, 18))
WIDTHS = (400, 1200)
ASKS = """<!DOCTYPE html><title>asks</title><img src="http://example.com/picture.png">
<link rel="stylesheet" href="https://example.org/style.css">"""
LOOK = """<script>
addEventListener("load", () => {
  const facts = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, root = page.documentElement;
    const seen = [...page.images].map(one => ({
      title: one.alt, complete: one.complete, width: one.naturalWidth, shown: one.clientWidth,
      caption: one.parentElement.innerText.trim(),
    }));
    const cells = [...page.querySelectorAll("table.claims td:last-child")];
    return {
      name: frame.name, width: frame.contentWindow.innerWidth, images: seen,
      room: root.clientWidth, needed: root.scrollWidth,
      colours: cells.map(cell => frame.contentWindow.getComputedStyle(cell).color),
      foreign: page.querySelectorAll("b, i, script").length,
    };
  });
  document.title = JSON.stringify(facts);
});
</script>"""


class Page(NamedTuple):
    """What a browser made of a page."""

    dom: str
    picture: bytes
    asked: set[str]


class Tables(HTMLParser):
    """Reads the text of each table, of headings and of preformatted text."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[str] | None = None
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._open = self.tables[-1][-1]
            self._open.append("")
        else:
            self._open = self.texts.setdefault(tag, [])
            self._open.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open[-1] += data


@pytest.fixture(scope="session")
def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found:
        return found
    if os.environ.get("CI_BROWSER"):
        pytest.fail("there is no chromium, but CI_BROWSER is set: apt-get install chromium")
    pytest.skip("there is no chromium to open reports in: apt-get install chromium")


@pytest.fixture(scope="module")
def show(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Page]:
    """Return a function that opens a page in the browser, with no network to reach."""

    def shown(content: str) -> Page:
        folder = tmp_path_factory.mktemp("browser")
        (folder / "page.html").write_text(content, encoding="utf-8")
        done = subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}",
                f"--log-net-log={folder / 'net.json'}", "--window-size=1200,4000", "--dump-dom",
                f"--screenshot={folder / 'page.png'}", (folder / "page.html").as_uri(),
            ],
            capture_output=True, text=True, encoding="utf-8", check=True, timeout=60,
        )  # fmt: skip
        log = json.loads((folder / "net.json").read_text(encoding="utf-8"))
        return Page(done.stdout, (folder / "page.png").read_bytes(), set(asked_for(log)))

    return shown


def asked_for(log: dict[str, Any]) -> Iterator[str]:
    """Yield what a page asked for; the browser's own requests come from no origin."""
    start = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    for event in log["events"]:
        known = event.get("params", {})
        if event["type"] == start and "url" in known and known["initiator"] != "not an origin":
            yield known["url"]


def swept(folder: Path, *options: str) -> Run:
    """Return a run of the command."""
    small = ["--replications", "40", "--block", "20", "--periods", "8", "--seed", "3"]
    done = CliRunner().invoke(app, ["run", "sweep", *small, *options, "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return load(folder)


def plain(folder: Path) -> Run:
    """Return a run that is no experiment, with claims, a figure of its own and nasty words."""
    parameters = {"note": NASTY, NASTY: 1, "seed": 0, "periods": 5}
    picture = BytesIO()
    Figure(figsize=(2, 1)).savefig(picture, dpi=150)
    with RunFolder(folder, NASTY, parameters, command=f"repeat '{NASTY}'") as run:
        for maker in ("zero-profit", "myopic"):
            tape = Exchange(maker, prior_sd=2.0, replications=50, rng=0).run(5).tape
            run.write("market", tape.market, MARKET)
            run.write("makers", tape.makers, MAKERS)
        run.store.write(CLAIMS_FILE, claims_table(CLAIMS).to_csv(index=False).encode())
        run.store.write("own-figure.png", picture.getvalue())
    return load(folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    makers = "zero-profit,myopic,zero-profit+fixed-spread"
    return {
        "grid": swept(folder / "grid", "--makers", makers, "--prior-sd", "2,10"),
        "many": swept(folder / "many", "--makers", "myopic", "--prior-sd", MANY, "--value",
                      "fixed,redrawn", "--replications", "20"),
        "one": swept(folder / "one", "--makers", "myopic", "--prior-sd", "2"),
        "plain": plain(folder / "plain"),
    }  # fmt: skip


NAMES = ("grid", "many", "one", "plain")


@pytest.fixture(scope="module")
def pages(runs: dict[str, Run]) -> dict[str, str]:
    return {name: report(run) for name, run in runs.items()}


@pytest.fixture(scope="module")
def shown(pages: dict[str, str], show: Callable[[str], Page]) -> dict[str, Page]:
    return {name: show(pages[name]) for name in ("grid", "plain")}


@pytest.fixture(scope="module")
def facts(pages: dict[str, str], show: Callable[[str], Page]) -> dict[str, dict[int, Any]]:
    """Return what was measured in each page, as wide as a telephone and as a desk."""
    frames = [
        f'<iframe name="{name}" width={width} height=9000 srcdoc="{html.escape(page)}"></iframe>'
        for name, page in pages.items()
        for width in WIDTHS
    ]
    style = "<style>iframe { border: 0 }</style>"
    dom = show(f"<!DOCTYPE html><title>none</title>{style}{''.join(frames)}{LOOK}").dom
    (measured,) = Tables(dom[: dom.index("</title>")]).texts["title"]
    known: dict[str, dict[int, Any]] = {name: {} for name in pages}
    for one in json.loads(measured):
        known[one["name"]][one["width"]] = one
    return known


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_shown(facts: dict[str, dict[int, Any]], name: str, width: int) -> None:
    images = facts[name][width]["images"]
    assert len(images) == {"grid": 7, "many": 7, "one": 5, "plain": 2}[name]
    for image in images:
        assert image["complete"]
        assert image["width"] > 100
        assert 100 < image["shown"] <= WIDTHS[-1]
        assert image["title"]
        assert image["caption"] == image["title"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_sticks_out_of_the_page(
    facts: dict[str, dict[int, Any]], name: str, width: int
) -> None:
    assert facts[name][width]["needed"] <= facts[name][width]["room"] <= width


def test_words_with_marks_stay_words(
    facts: dict[str, dict[int, Any]], shown: dict[str, Page]
) -> None:
    assert facts["plain"][1200]["foreign"] == 0
    page = Tables(shown["plain"].dom)
    assert page.texts["h1"] == [NASTY]
    assert page.texts["title"] == [f"{NASTY}: Market Shock"]
    assert page.texts["pre"] == [f"repeat '{NASTY}'"]
    (parameters,) = (table for table in page.tables if ["note", NASTY] in table)
    assert [NASTY, "1"] in parameters


def test_the_page_asks_for_nothing(shown: dict[str, Page]) -> None:
    assert {name: page.asked for name, page in shown.items()} == {"grid": set(), "plain": set()}


def test_a_page_that_asks_for_something_would_be_found_out(show: Callable[[str], Page]) -> None:
    asked = {"http://example.com/picture.png", "https://example.org/style.css"}
    assert show(ASKS).asked == asked


@pytest.mark.parametrize("name", NAMES)
def test_the_page_holds_all_that_it_needs(pages: dict[str, str], name: str) -> None:
    page = Tables(pages[name])
    assert not {"script", "iframe", "object", "embed"} & set(page.texts)
    linked = [value for _, key, value in page.attributes if key in ("src", "href", "srcset")]
    assert len(linked) > 2
    assert all(value.startswith("data:") for value in linked)
    (style,) = page.texts["style"]
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("name", ["grid", "plain"])
def test_a_picture_of_the_page_shows_something(shown: dict[str, Page], name: str) -> None:
    picture = imread(BytesIO(shown[name].picture))
    assert picture.shape[:2] == (4000, 1200)
    ink = np.any(picture[..., :3] < 0.9, axis=2)
    assert 0.005 < ink.mean() < 0.5
    assert ink[:400, :].any()
    assert len(np.unique(picture[::7, ::7, :3].reshape(-1, 3), axis=0)) > 20


def in_words(table: pd.DataFrame) -> list[list[str]]:
    heading = [str(name).replace("_", " ") for name in table]
    return [heading, *([str(cell) for cell in row] for row in table.itertuples(index=False))]


@pytest.mark.parametrize("name", ["grid", "plain"])
def test_the_tables_show_every_result(
    runs: dict[str, Run], shown: dict[str, Page], name: str
) -> None:
    tables = Tables(shown[name].dom).tables
    for expected in (results(runs[name]), comparisons(runs[name])):
        assert in_words(format_estimates(expected)) in tables


def test_one_maker_has_no_table_of_differences(pages: dict[str, str]) -> None:
    headings = Tables(pages["one"]).texts["h2"]
    assert headings == ["Results", "Figures", "How to repeat it"]
    assert "Differences, market by market" in Tables(pages["grid"]).texts["h2"]


def test_claims_have_their_verdicts(
    shown: dict[str, Page], facts: dict[str, dict[int, Any]], pages: dict[str, str]
) -> None:
    table = Tables(shown["plain"].dom).tables[0]
    assert table[1:] == [
        ["Fig. 1", "above zero & <i>so on</i>", "0.5", "0.01", "yes"],
        ["Fig. 2", 'below "zero"', "0.25", "0.02", "no"],
        ["Th. 2.1", "above zero", "0.001", "0.12", "undecided"],
    ]
    assert len(set(facts["plain"][1200]["colours"])) == 3
    assert "Claims" not in Tables(pages["grid"]).texts["h2"]


def test_a_run_says_what_it_was(runs: dict[str, Run], shown: dict[str, Page]) -> None:
    page = Tables(shown["grid"].dom)
    run = runs["grid"]
    for mapping in (run.parameters, run.versions | run.code):
        expected = [[name.replace("_", " "), str(value)] for name, value in mapping.items()]
        assert expected in page.tables
    lead = " ".join(page.texts["p"][0].split())
    assert lead.startswith("240 markets at 6 points, 8 traders in each; seed 3.")
    assert Tables(shown["plain"].dom).texts["p"][0].startswith("100 markets, 5 traders in each")


@pytest.mark.parametrize("options", [("--prior-sd", "1,2"), ("--prior-sd", "1, 2")])
def test_the_command_repeats_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, str]
) -> None:
    first = swept(tmp_path / "first", "--makers", "zero-profit,myopic", *options)
    (command,) = Tables(report(first)).texts["pre"]
    name, *arguments = shlex.split(command)
    assert name == "market-shock"
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    again = load(Path("runs") / "sweep")
    assert again.files == first.files
    assert again.content("summary.parquet") == first.content("summary.parquet")
    assert again.parameters == first.parameters


def test_the_same_run_gives_the_same_bytes(runs: dict[str, Run], pages: dict[str, str]) -> None:
    folder = Path(runs["grid"].folder)
    subprocess.run(
        [sys.executable, "-m", "scenarios", "report", str(folder)],
        check=True, capture_output=True, cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "77"},
    )  # fmt: skip
    assert (folder / REPORT_FILE).read_bytes() == pages["grid"].encode()


def test_a_report_leaves_the_run_as_it_was(runs: dict[str, Run], pages: dict[str, str]) -> None:
    run = runs["one"]
    done = CliRunner().invoke(app, ["report", str(run.folder)])
    assert done.stdout == f"The report is {Path(run.folder) / REPORT_FILE}\n"
    assert (Path(run.folder) / REPORT_FILE).read_bytes() == pages["one"].encode()
    assert load(run.folder) == run


def test_panels_and_makers_are_in_the_order_of_the_points(
    runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    for name in ("by_period", "by_parameter", "convergence"):
        draw = getattr(facets, name)
        monkeypatch.setattr(facets, name, kept(draw, drawn))
    report(runs["grid"])
    assert len(drawn) == 7
    company = "zero-profit+fixed-spread"
    makers = ["zero-profit", "myopic", company]
    contestants = [*makers[:2], f"zero-profit in {company}", f"fixed-spread in {company}"]
    titles = [[axes.get_title() for axes in figure.axes if axes.get_visible()] for figure in drawn]
    legends = [[text.get_text() for text in figure.legends[0].get_texts()] for figure in drawn]
    shocks = ["prior sd = 2.0", "prior sd = 10.0"]
    assert titles == [*[shocks] * 4, [""], [""], shocks]
    assert legends == [*[makers] * 4, *[contestants] * 2, [*contestants, "1 / √replications"]]
    for figure in drawn:
        figure.draw_without_rendering()
        box = figure.legends[0].get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def kept(draw: Callable[..., Figure], figures: list[Figure]) -> Callable[..., Figure]:
    """Return a function that draws, and remembers what."""

    def drawing(*args: Any, **more: Any) -> Figure:
        figures.append(draw(*args, **more))
        return figures[-1]

    return drawing


def test_a_page_with_too_many_panels_says_which_it_shows(pages: dict[str, str]) -> None:
    text = " ".join(" ".join(words) for words in Tables(pages["many"]).texts.values())
    assert "6 of 28" in text


def test_one_replication_can_be_reported(tmp_path: Path) -> None:
    options = ("--makers", "zero-profit,myopic", "--prior-sd", "1,2", "--replications", "1")
    page = Tables(report(swept(tmp_path / "run", *options)))
    assert page.texts["p"][0].startswith("4 markets at 4 points")


def test_a_full_record_is_reported_as_its_summary_is(runs: dict[str, Run], tmp_path: Path) -> None:
    makers = "zero-profit,myopic,zero-profit+fixed-spread"
    options = ("--makers", makers, "--prior-sd", "2,10", "--record", "full")
    full, summary = (
        Tables(report(run)).tables for run in (swept(tmp_path / "run", *options), runs["grid"])
    )
    assert full[:2] == summary[:2]


def test_a_run_without_makers_cannot_be_reported(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "mine", {"seed": 1}) as folder:
        tape = Exchange("myopic", replications=3, rng=1).run(2).tape
        folder.write("market", tape.market, MARKET)
    with pytest.raises(LogError, match="has no table 'makers': it has market"):
        report(load(tmp_path / "run"))
    said = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    assert said.exit_code != 0
    assert not (tmp_path / "run" / REPORT_FILE).exists()


def test_a_dollar_in_a_point_is_shown_as_it_is() -> None:
    table = pd.DataFrame({"maker": ["$\\bad{$"], "x": [1], "mean": [1], "low": [0], "high": [2]})
    figure = facets.by_parameter(table.assign(panel="$\\bad{$"), "profit", "x", "panel")
    assert figure.axes[0].get_title() == r"\$\bad{\$"
    assert encode_figure(figure, "svg").count(b"<svg") == 1


@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n", b""])
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_what_is_no_picture_is_an_error_of_one_line(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    with RunFolder(tmp_path / "run", "mine", {"seed": 0}) as folder:
        tape = Exchange("myopic", replications=50, rng=0).run(5).tape
        folder.write("makers", tape.makers, MAKERS)
        folder.store.write(f"own.{kind}", content)
    with pytest.raises(LogError, match=rf"own\.{kind} cannot be shown \(.*\): repeat the run$"):
        report(load(tmp_path / "run"))
