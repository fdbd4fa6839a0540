"""What several files of tests of scenarios need."""

import sys
from pathlib import Path

import pytest

from analysis import Run, load

MY_MAKERS = '''
from abm import Optimal as Theirs, Quote
from abm.makers import MarketMaker

class Cautious(MarketMaker):
    """Quotes two sds of her belief around its mean."""

    def quote(self) -> Quote:
        return Quote.around(self.require_belief().mean, 2 * self.require_belief().sd)

class Anchored(MarketMaker):
    """Quotes around zero, and a number of dollars wide."""

    def quote(self) -> Quote:
        return Quote(-2.0, 2.0)

class Blind(MarketMaker):
    """Has no belief, and quotes the same for ever."""

    def __init__(self, model):
        super().__init__(model, belief=None)

    def quote(self) -> Quote:
        return Quote(-3.0, 3.0)

class Shut(MarketMaker):
    """Never trades."""

    def quote(self) -> Quote:
        return Quote(float("-inf"), float("inf"))

class Optimal(Theirs):
    """Has the name of another maker."""
'''


@pytest.fixture
def my_makers(tmp_path: Path) -> None:
    """Write makers of one's own into the empty folder, as a module that is not loaded."""
    (tmp_path / "my_makers.py").write_text(MY_MAKERS)
    sys.modules.pop("my_makers", None)


@pytest.fixture(scope="module")
def log(folder: Path) -> Run:
    """Return the run that is in the `folder` of a file of tests."""
    return load(folder)
