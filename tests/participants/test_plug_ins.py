"""Makers from elsewhere: installed packages, files of one's own, and what is wrong with them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import abm.makers
from abm import Exchange
from abm.makers import MarketMaker
from abm.participants import registry
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES
from analysis import load
from scenarios._common.app import describe_types
from tests.commands import CONSOLE, run_python
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


def command(*arguments: str, cwd: Path, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with packages from another one."""
    return run_python([*CONSOLE, *arguments], cwd, path, ROOT)


def ended_well(said: subprocess.CompletedProcess[str]) -> str:
    assert said.returncode == 0, said.stderr
    return said.stdout


def error(said: subprocess.CompletedProcess[str]) -> str:
    """Return the one line in which the command says why it gives up."""
    assert said.returncode == 1, said.stdout + said.stderr
    (line,) = said.stderr.splitlines()
    assert line.startswith("error: ")
    return line


Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package under a module name that is new; return that name."""
    monkeypatch.syspath_prepend(tmp_path)

    def made(offers: dict[str, str], source: str) -> str:
        package = f"elsewhere_{os.getpid()}_{next(serial)}"
        places = {name: place.format(here=package) for name, place in offers.items()}
        installed(tmp_path, package, places, source)
        return package

    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the makers "cautious" and "counting" are installed."""
    offers = {"cautious": "thirdparty:Cautious", "counting": "thirdparty:Counting"}
    folder = tmp_path_factory.mktemp("site")
    return installed(folder, "thirdparty", offers, MAKER.format(name="Cautious") + NUMBERS)


def test_an_installed_maker_goes_by_her_name_on_the_command_line_whoever_does_the_work(
    site: Path, tmp_path: Path
) -> None:
    results = []
    for workers in ("1", "2"):
        folder = tmp_path / workers
        folder.mkdir()
        chosen = ["--makers", "cautious,counting+optimal", "--workers", workers]
        out = ended_well(command(*SWEEP, *chosen, cwd=folder, path=site))
        run = load(folder / "out")
        assert {point["makers"] for point in run.points} == {"cautious", "counting+optimal"}
        assert set(run.blocks("totals")["maker"]) == {"cautious", "counting", "optimal"}
        assert "cautious" in out
        results.append({file.name: file.read_bytes() for file in folder.rglob("*.parquet")})
    assert "cautious" not in MAKER_TYPES.list_names()
    assert len(results[0]) == 7
    assert results[0] == results[1]


def test_an_installed_maker_goes_by_her_name_in_python_and_in_the_list(
    site: Path, tmp_path: Path
) -> None:
    script = """
        from abm import Exchange
        from abm.participants.registry import MAKER_TYPES

        market = Exchange(["counting", "optimal"], replications=3).run(5)
        print([maker.label for maker in market.makers], type(market.makers[0]).__module__)
        names, own = MAKER_TYPES.list_names(), MAKER_TYPES.load_own()
        print("counting" in names, "counting" in own, MAKER_TYPES.find("cautious").__name__)
    """
    said = ended_well(run_python(["-c", dedent(script)], tmp_path, site, ROOT))
    assert said.splitlines() == [
        "['counting', 'optimal'] thirdparty",
        "True False Cautious",
    ]
    lines = ended_well(command("list", cwd=tmp_path, path=site)).splitlines()
    about = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line.startswith("  ")}
    assert about["cautious"] == "Quotes two sds of her belief around its mean."
    assert about["counting"] == "Widens after every trade of her own."
    hers = [line.split()[0] for line in lines[lines.index("makers:") + 1 : lines.index("traders:")]]
    assert hers == sorted([*MAKER_TYPES.load_own(), "cautious", "counting"])


def test_a_misspelt_name_brings_that_of_a_plug_in(site: Path, tmp_path: Path) -> None:
    said = command(*SWEEP, "--makers", "cautius", cwd=tmp_path, path=site)
    assert "maker is 'cautius', which is unknown: did you mean 'cautious'" in error(said)


def test_a_maker_in_the_current_folder_goes_by_where_she_is(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MAKER.format(name="Cautious") + NUMBERS)
    chosen = ["--makers", "mine:Counting,mine:Cautious+optimal"]
    ended_well(command(*SWEEP, *chosen, cwd=tmp_path))
    run = load(tmp_path / "out")
    assert [point["makers"] for point in run.points] == ["mine:Counting", "mine:Cautious+optimal"]
    assert set(run.blocks("totals")["maker"]) == {"cautious", "counting", "optimal"}


def test_a_maker_in_a_package_of_the_current_folder_goes_by_where_she_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "makers.py").write_text(MAKER.format(name="Cautious"))
    ended_well(command(*SWEEP, "--makers", "mine.makers:Cautious", cwd=tmp_path))


def test_a_maker_who_breaks_late_is_named_with_the_period_and_the_cause(tmp_path: Path) -> None:
    head, _, _ = MAKER.format(name="Spoilt").partition("    def quote")
    (tmp_path / "mine.py").write_text(head + SPOILT)
    said = command(*SWEEP, "--makers", "mine:Spoilt,optimal", "--periods", "60", cwd=tmp_path)
    line = error(said)
    assert "3 of 6 blocks failed, 3 blocks are finished and kept: --resume" in line
    assert "maker 'spoilt' raised an error when she quoted in period 57 " in line
    assert "(mine.py, line " in line
    assert "): ZeroDivisionError: her slide rule broke" in line


def test_a_plug_in_that_does_not_import_leaves_the_list_and_the_others_usable(
    tmp_path: Path,
) -> None:
    site = tmp_path / "site"
    offers = {"broken": "thirdparty:Cautious", "absent": "nowhere:Cautious"}
    installed(site, "thirdparty", offers, "raise RuntimeError('not on this machine')")
    lines = ended_well(command("list", cwd=tmp_path, path=site)).splitlines()
    (broken,) = (line for line in lines if line.split()[0] == "broken")
    (absent,) = (line for line in lines if line.split()[0] == "absent")
    assert "cannot be used: " in broken
    assert "RuntimeError: not on this machine" in broken
    assert "No module named 'nowhere'" in absent
    assert any(line.split()[0] == "optimal" for line in lines)
    ended_well(command(*SWEEP, "--makers", "myopic", cwd=tmp_path, path=site))
    line = error(command(*SWEEP, "--makers", "broken", cwd=tmp_path, path=site))
    assert "maker 'broken' cannot be loaded" in line
    assert "thirdparty does not import" in line
    assert "not on this machine" in line


def test_a_file_dropped_into_the_folder_of_makers_is_all_it_takes(tmp_path: Path) -> None:
    here = tmp_path / "copy"
    for package in ("abm", "analysis", "scenarios"):
        shutil.copytree(
            ROOT / package, here / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (here / "abm" / "makers" / "counting.py").write_text(MAKER.format(name="Cautious") + NUMBERS)
    lines = ended_well(command("list", cwd=tmp_path, path=here)).splitlines()
    (cautious,) = (line for line in lines if line.split()[0] == "cautious")
    assert cautious.endswith(" Quotes two sds of her belief around its mean.")
    assert any(line.split()[0] == "counting" for line in lines)
    ended_well(command(*SWEEP, "--makers", "counting+cautious", cwd=tmp_path, path=here))


def test_a_file_in_the_folder_of_makers_that_does_not_import_is_named_in_one_line(
    tmp_path: Path,
) -> None:
    here = tmp_path / "copy"
    for package in ("abm", "analysis", "scenarios"):
        shutil.copytree(
            ROOT / package, here / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    (here / "abm" / "makers" / "half_done.py").write_text("import a_module_that_nobody_has")
    line = error(command("list", cwd=tmp_path, path=here))
    assert "abm/makers/half_done.py does not import (ModuleNotFoundError: No module named" in line


def test_plug_ins_are_looked_up_once_as_long_as_the_path_is_the_same(
    monkeypatch: pytest.MonkeyPatch, install: Install
) -> None:
    looked = []

    def looks(**group: str) -> Any:
        looked.append(group)
        return entry_points(**group)

    monkeypatch.setattr(registry, "entry_points", looks)
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
    assert looked == [{"group": MAKER_TYPES.group}]


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
