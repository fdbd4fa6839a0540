"""What several files of tests of scenarios need."""

import sys
from inspect import getsource
from pathlib import Path

import pytest

from analysis import Run, load
from tests.pictures import draw_coarsely, draw_nothing
from tests.stubs import Anchored, Blind, Cautious, Lucky, Shut, Sure

MY_MAKERS = '''
from typing import Any

from abm import NoisyTrader, Optimal as Theirs, Quote
from abm.makers import MarketMaker
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array

class Optimal(Theirs):
    """Has the name of another maker."""
'''


@pytest.fixture
def my_makers(tmp_path: Path) -> None:
    """Write makers and traders of one's own into the empty folder, in a module not loaded."""
    stubs = (getsource(kind) for kind in (Anchored, Blind, Cautious, Shut, Sure, Lucky))
    (tmp_path / "my_makers.py").write_text("\n\n".join([MY_MAKERS, *stubs]))
    sys.modules.pop("my_makers", None)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let studies leave pictures of one point: for tests that are about something else."""
    monkeypatch.setattr("scenarios._common.study.encode_figure", draw_nothing)


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of a file's STUDY, with small pictures if it has FIGURES."""
    out = tmp_path_factory.mktemp("study") / "run"
    with pytest.MonkeyPatch.context() as patch:
        draw = draw_coarsely if hasattr(request.module, "FIGURES") else draw_nothing
        patch.setattr("scenarios._common.study.encode_figure", draw)
        request.module.STUDY.run(str(out))
    return out


@pytest.fixture(scope="module")
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of the same scenario with the options SMALL."""
    out = tmp_path_factory.mktemp("study") / "small"
    type(request.module.STUDY)(**request.module.SMALL).run(str(out))
    return out


@pytest.fixture(scope="module")
def log(folder: Path) -> Run:
    """Return the run that is in the `folder` of a file of tests."""
    return load(folder)
