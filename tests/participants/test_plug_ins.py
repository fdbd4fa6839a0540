"""Makers from elsewhere: installed packages, files of one's own, and what is wrong with them."""

import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from itertools import count
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from joblib.externals.loky import get_reusable_executor

import abm.makers
from abm import Exchange
from abm.makers import MarketMaker
from abm.participants import plug_ins
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES
from analysis import load
from scenarios._common.app import describe_types
from tests.commands import CONSOLE, Call, Said, read_error, run_python
from tests.files import ROOT

SWEEP = ["run", "sweep", "--prior-sd", "1", "--periods", "6", "--replications", "60",
         "--block", "20", "--out", "out"]  # fmt: skip
MAKER = '''
from abm import Quote
from abm.makers import MarketMaker, ScalarMaker


class {name}(MarketMaker):
    """Quotes two sds of her belief around its mean."""

    def quote(self):
        return Quote.around(self.require_belief().mean, 2 * self.require_belief().sd)
'''
SPOILT = """
    @property
    def periods(self):
        return 0 if self.last is None else self.seen

    def quote(self):
        self.seen = self.periods + 1
        if self.seen == 58:
            raise ZeroDivisionError("her slide rule broke")
        return Quote.around(self.require_belief().mean, 2 * self.require_belief().sd)
"""
NUMBERS = '''

class Counting(ScalarMaker):
    """Widens after every trade of her own."""

    def __init__(self, model, *, width=1.0):
        super().__init__(model)
        self.width = width

    def quote_one(self, now, memory):
        trades = memory["trades"] = memory.get("trades", 0) + (now.last_quantity != 0)
        half_spread = self.width + 0.1 * trades
        return now.belief_mean - half_spread, now.belief_mean + half_spread
'''
serial = count()


def installed(folder: Path, package: str, offers: dict[str, str], source: str) -> Path:
    """Install a package of one module into a folder, as pip would with --target."""
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / f"{package}.py").write_text(source)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {place}" for name, place in offers.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{MAKER_TYPES.group}]", *lines, ""]))
    (metadata / "RECORD").write_text(f"{package}.py,,\n")
    return folder


def ended_well(said: Said) -> str:
    assert said.code == 0, said.err
    return said.out


Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package under a module name that is new; return that name."""
    site = tmp_path / "site"  # below the current folder, where nothing is looked for
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def made(offers: dict[str, str], source: str) -> str:
        package = f"elsewhere_{os.getpid()}_{next(serial)}"
        places = {name: place.format(here=package) for name, place in offers.items()}
        installed(site, package, places, source)
        return package

    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the makers "cautious" and "counting" are installed."""
    offers = {"cautious": "thirdparty:Cautious", "counting": "thirdparty:Counting"}
    folder = tmp_path_factory.mktemp("site")
    return installed(folder, "thirdparty", offers, MAKER.format(name="Cautious") + NUMBERS)


@pytest.fixture
def installed_makers(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find what is installed there, and workers that it starts from now on."""
    monkeypatch.syspath_prepend(site)


@pytest.mark.usefixtures("installed_makers")
def test_an_installed_maker_goes_by_her_name_on_the_command_line_whoever_does_the_work(
    tmp_path: Path, call: Call
) -> None:
    """Also where two workers do it, which are processes of their own."""
    get_reusable_executor().shutdown()  # new workers look where this process does
    for workers in ("1", "2"):
        chosen = ["--makers", "cautious,counting+optimal", "--out", workers]
        assert "cautious" in ended_well(call(*SWEEP, *chosen, "--workers", workers))
    results = []
    for out in (tmp_path / "1", tmp_path / "2"):
        run = load(out)
        assert {point["makers"] for point in run.points} == {"cautious", "counting+optimal"}
        assert set(run.blocks("totals")["maker"]) == {"cautious", "counting", "optimal"}
        results.append({file.name: file.read_bytes() for file in out.rglob("*.parquet")})
    assert len(results[0]) == 7
    assert results[0] == results[1]


@pytest.mark.usefixtures("installed_makers")
def test_an_installed_maker_goes_by_her_name_in_python_and_in_the_list(call: Call) -> None:
    market = Exchange(["counting", "optimal"], replications=3).run(5)
    assert [maker.label for maker in market.makers] == ["counting", "optimal"]
    assert type(market.makers[0]).__module__ == "thirdparty"
    assert "counting" in MAKER_TYPES.list_names()
    assert "counting" not in MAKER_TYPES.load_own()
    assert MAKER_TYPES.find("cautious").__name__ == "Cautious"
    lines = ended_well(call("list")).splitlines()
    about = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line.startswith("  ")}
    assert about["cautious"] == "Quotes two sds of her belief around its mean."
    assert about["counting"] == "Widens after every trade of her own."
    hers = [line.split()[0] for line in lines[lines.index("makers:") + 1 : lines.index("traders:")]]
    assert hers == sorted([*MAKER_TYPES.load_own(), "cautious", "counting"])


@pytest.mark.usefixtures("installed_makers")
def test_a_misspelt_name_brings_that_of_a_plug_in(call: Call) -> None:
    said = call(*SWEEP, "--makers", "cautius")
    assert "maker is 'cautius', which is unknown: did you mean 'cautious'" in read_error(said)


def test_a_maker_in_the_current_folder_goes_by_where_she_is(tmp_path: Path, call: Call) -> None:
    (tmp_path / "mine_alone.py").write_text(MAKER.format(name="Cautious") + NUMBERS)
    makers = ["mine_alone:Counting", "mine_alone:Cautious+optimal"]
    ended_well(call(*SWEEP, "--makers", ",".join(makers)))
    run = load(tmp_path / "out")
    assert [point["makers"] for point in run.points] == makers
    assert set(run.blocks("totals")["maker"]) == {"cautious", "counting", "optimal"}


def test_a_maker_in_a_package_of_the_current_folder_goes_by_where_she_is(
    tmp_path: Path, call: Call
) -> None:
    (tmp_path / "mine_packed").mkdir()
    (tmp_path / "mine_packed" / "makers.py").write_text(MAKER.format(name="Cautious"))
    ended_well(call(*SWEEP, "--makers", "mine_packed.makers:Cautious"))


def test_a_maker_who_breaks_late_is_named_with_the_period_and_the_cause(
    tmp_path: Path, call: Call
) -> None:
    head, _, _ = MAKER.format(name="Spoilt").partition("    def quote")
    (tmp_path / "mine_spoilt.py").write_text(head + SPOILT)
    line = read_error(call(*SWEEP, "--makers", "mine_spoilt:Spoilt,optimal", "--periods", "60"))
    assert "3 of 6 blocks failed, 3 blocks are finished and kept: --resume" in line
    assert "maker 'spoilt' raised an error when she quoted in period 57 " in line
    assert "(mine_spoilt.py, line " in line
    assert "): ZeroDivisionError: her slide rule broke" in line


def test_a_plug_in_that_does_not_import_leaves_the_list_and_the_others_usable(
    install: Install, call: Call
) -> None:
    offers = {"broken": "{here}:Cautious", "absent": "nowhere:Cautious"}
    package = install(offers, "raise RuntimeError('not on this machine')")
    lines = ended_well(call("list")).splitlines()
    (broken,) = (line for line in lines if line.split()[0] == "broken")
    (absent,) = (line for line in lines if line.split()[0] == "absent")
    assert "cannot be used: " in broken
    assert "RuntimeError: not on this machine" in broken
    assert "No module named 'nowhere'" in absent
    assert any(line.split()[0] == "optimal" for line in lines)
    ended_well(call(*SWEEP, "--makers", "myopic"))
    line = read_error(call(*SWEEP, "--makers", "broken"))
    assert "maker 'broken' cannot be loaded" in line
    assert f"{package} does not import" in line
    assert "not on this machine" in line


def copy_project(folder: Path) -> Path:
    """Copy the packages into a folder, and return that of the makers."""
    for package in ("abm", "analysis", "scenarios"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder / "abm" / "makers"


def test_a_file_dropped_into_the_folder_of_makers_is_all_it_takes(tmp_path: Path) -> None:
    """In a process of its own, where both commands run on the copy."""
    makers = copy_project(tmp_path / "copy")
    (makers / "counting.py").write_text(MAKER.format(name="Cautious") + NUMBERS)
    script = f"""
        import sys
        from scenarios.__main__ import main

        for words in (["list"], {[*SWEEP, "--makers", "counting+cautious"]}):
            sys.argv[1:] = words
            try:
                main()
            except SystemExit as end:
                print(words[0], "ended with", end.code or 0)
    """
    said = run_python(["-P", "-c", dedent(script)], tmp_path, tmp_path / "copy")
    listed, _, ran = said.stdout.partition("list ended with 0\n")
    assert ran.endswith("run ended with 0\n"), said.stdout + said.stderr
    lines = listed.splitlines()
    (cautious,) = (line for line in lines if line.split()[0] == "cautious")
    assert cautious.endswith(" Quotes two sds of her belief around its mean.")
    assert any(line.split()[0] == "counting" for line in lines)


def test_a_file_in_the_folder_of_makers_that_does_not_import_is_named_in_one_line(
    tmp_path: Path,
) -> None:
    makers = copy_project(tmp_path / "copy")
    (makers / "half_done.py").write_text("import a_module_that_nobody_has")
    said = run_python([*CONSOLE, "list"], tmp_path, tmp_path / "copy")
    line = read_error(Said(said.returncode, said.stdout, said.stderr))
    assert "abm/makers/half_done.py does not import (ModuleNotFoundError: No module named" in line


def test_plug_ins_are_looked_up_once_as_long_as_the_path_is_the_same(
    monkeypatch: pytest.MonkeyPatch, install: Install
) -> None:
    looked = []

    def looks(*, path: list[str]) -> Any:
        looked.append(path)
        return distributions(path=path)

    monkeypatch.setattr(plug_ins, "distributions", looks)
    MAKER_TYPES.list_names()
    looked.clear()
    for _ in range(3):
        MAKER_TYPES.list_names()
        MAKER_TYPES.find("optimal")
        Exchange(["optimal", "myopic"])
    assert looked == []
    monkeypatch.syspath_prepend(ROOT / "nowhere")
    install({"cautious": "{here}:Cautious"}, MAKER.format(name="Cautious"))
    assert "cautious" in MAKER_TYPES.list_names()
    assert MAKER_TYPES.find("cautious").name == "cautious"
    assert len(looked) == 1


# What is wrong with a plug-in, or with a place


def test_an_installed_maker_is_found_in_this_process(install: Install) -> None:
    package = install({"cautious": "{here}:Cautious"}, MAKER.format(name="Cautious"))
    assert MAKER_TYPES.find("cautious").__module__ == package
    assert MAKER_TYPES.find(f"{package}:Cautious") is MAKER_TYPES.find("cautious")
    assert Exchange(["cautious", "cautious"]).run(1).makers[1].label == "cautious-2"
    assert "cautious" in MAKER_TYPES.list_names()
    assert "cautious" not in MAKER_TYPES.load_own()


def test_a_plug_in_cannot_take_the_name_of_a_maker_that_is_here(install: Install) -> None:
    package = install({"optimal": "{here}:Optimal"}, MAKER.format(name="Optimal"))
    with pytest.raises(ValueError, match="maker 'optimal' is the name of 2") as caught:
        MAKER_TYPES.find("optimal")
    said = str(caught.value)
    assert "abm.makers.optimal:Optimal" in said
    assert f"{package}:Optimal of {package}" in said
    assert "give one of them another name, or remove it" in said
    assert "is the name of 2" in describe_types(MAKER_TYPES)["optimal"]
    assert MAKER_TYPES.list_names().count("optimal") == 1


def test_two_plug_ins_cannot_share_a_name(install: Install) -> None:
    places = [install({"cautious": "{here}:Cautious"}, MAKER.format(name="Cautious"))
              for _ in range(2)]  # fmt: skip
    with pytest.raises(ValueError, match="maker 'cautious' is the name of 2") as caught:
        MAKER_TYPES.find("cautious")
    for place in places:
        assert f"{place}:Cautious of {place}" in str(caught.value)
    assert MAKER_TYPES.list_names().count("cautious") == 1


def test_a_name_of_three_is_counted(install: Install) -> None:
    for _ in range(2):
        install({"myopic": "{here}:Myopic"}, MAKER.format(name="Myopic"))
    with pytest.raises(ValueError, match="maker 'myopic' is the name of 3"):
        MAKER_TYPES.find("myopic")


def test_a_plug_in_and_its_class_must_have_one_name(install: Install) -> None:
    package = install({"careful": "{here}:Cautious"}, MAKER.format(name="Cautious"))
    with pytest.raises(ValueError, match="give both one name") as caught:
        MAKER_TYPES.find("careful")
    assert f"{package}:Cautious of {package} offers maker 'careful'" in str(caught.value)
    assert "its class has the name 'cautious'" in str(caught.value)


def test_a_module_that_does_not_import_is_named_with_the_cause(install: Install) -> None:
    package = install({"broken": "{here}:Cautious"}, "import a_module_that_nobody_has")
    with pytest.raises(ValueError, match="maker 'broken' cannot be loaded") as caught:
        MAKER_TYPES.find("broken")
    said = str(caught.value)
    assert f"{package} does not import" in said
    assert "ModuleNotFoundError: No module named 'a_module_that_nobody_has'" in said
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("def (", "SyntaxError: "),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("None.maker", "AttributeError: 'NoneType' object has no attribute 'maker'"),
        ("raise SystemExit('a script')", "SystemExit: a script"),
    ],
)
def test_whatever_a_module_raises_is_its_own(install: Install, source: str, cause: str) -> None:
    package = install({"broken": "{here}:Cautious"}, source)
    with pytest.raises(ValueError, match="maker 'broken'") as caught:
        MAKER_TYPES.find("broken")
    assert f"{package} does not import" in str(caught.value)
    assert cause in str(caught.value)
    assert cause in describe_types(MAKER_TYPES)["broken"]


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("def (", "SyntaxError: "),
        ("import a_module_that_nobody_has", "ModuleNotFoundError: No module named"),
        ("raise SystemExit('a script')", "SystemExit: a script"),
    ],
)
def test_a_file_in_the_folder_of_makers_that_does_not_import_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, cause: str
) -> None:
    name = f"half_done_{next(serial)}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.setattr(abm.makers, "__path__", [*abm.makers.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match=f"abm/makers/{name}.py does not import") as caught:
        MAKER_TYPES.load_own.__wrapped__(MAKER_TYPES)
    assert f"({cause}" in str(caught.value)
    assert str(caught.value).endswith("repair it, or remove it")
    assert type(caught.value.__cause__).__name__ == cause.partition(":")[0]


def test_a_class_that_is_missing_is_named(install: Install) -> None:
    package = install({"cautious": "{here}:Cautius"}, MAKER.format(name="Cautious"))
    for name in ("cautious", f"{package}:Cautius"):
        with pytest.raises(ValueError, match=f"maker '{name}' is not there") as caught:
            MAKER_TYPES.find(name)
        assert "has no attribute 'Cautius'" in str(caught.value)
        assert f"did you mean {package}:Cautious? " in str(caught.value)
        file = sys.modules[package].__file__
        assert str(caught.value).endswith(f"give the name of a class in {file}")


@pytest.mark.parametrize(
    "place", ["Quote", "find", "number", "MarketMaker", "Half"], ids=lambda one: str(one)
)
def test_what_is_no_maker_is_refused(install: Install, place: str) -> None:
    source = (
        "from abm import Quote\nfrom abm.makers import MarketMaker\ndef find(): pass\nnumber = 3\n"
        "class Half(MarketMaker): pass\n"
    )
    package = install({"half": f"{{here}}:{place}"}, source)
    for name in ("half", f"{package}:{place}"):
        with pytest.raises(TypeError, match="must be a MarketMaker") as caught:
            MAKER_TYPES.find(name)
        assert f"maker {name!r} is " in str(caught.value)
    assert "must be a MarketMaker" in describe_types(MAKER_TYPES)["half"]


@pytest.mark.parametrize("place", ["nowhere:Cautious", "no.where:Cautious"])
def test_a_place_that_is_not_there_is_told(place: str) -> None:
    with pytest.raises(ValueError, match="does not import") as caught:
        MAKER_TYPES.find(place)
    assert "No module named 'no" in str(caught.value)
    assert "run where it is, install it, or repair it" in str(caught.value)


@pytest.mark.parametrize("place", [":", "mine:", ":Cautious", "mine.py:", "a b:C", "mine:C:D"])
def test_a_place_must_be_a_class_in_a_module(place: str) -> None:
    with pytest.raises(ValueError, match=f"maker '{place}' ") as caught:
        MAKER_TYPES.find(place)
    assert "give as mypackage.makers:Cautious" in str(caught.value)


def test_a_module_alone_is_no_place(install: Install) -> None:
    package = install({"cautious": "{here}"}, MAKER.format(name="Cautious"))
    with pytest.raises((ValueError, TypeError), match="must be"):
        MAKER_TYPES.find("cautious")
    with pytest.raises(ValueError, match="is unknown"):
        MAKER_TYPES.find(package)


def test_a_file_of_python_is_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MAKER.format(name="Cautious"))
    with pytest.raises(ValueError, match=r"maker 'mine\.py:Cautious' ") as caught:
        MAKER_TYPES.find("mine.py:Cautious")
    assert "mine.py" in str(caught.value)


def test_makers_by_place_are_makers_of_the_registry_as_well() -> None:
    assert MAKER_TYPES.find("abm.makers.optimal:Optimal") is MAKER_TYPES.find("optimal")
    assert issubclass(MAKER_TYPES.find("abm:Myopic"), MarketMaker)


def test_a_trader_joined_to_another_is_told_that_makers_alone_are_joined() -> None:
    with pytest.raises(ValueError, match=r"trader 'noisy\+mine:Own' .*\+ joins makers alone"):
        TRADER_TYPES.find("noisy+mine:Own")
    with pytest.raises(ValueError, match="must be at a class in a module") as caught:
        TRADER_TYPES.find("mine.py:not a class")
    assert "joins" not in str(caught.value)
