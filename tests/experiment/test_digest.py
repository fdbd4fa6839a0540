"""Digests: the same for what is equal, in any process, and another for whatever else computes."""

import datetime
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property, partial
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from abm import GaussianBelief, Optimal
from abm.experiment.digest import digest
from abm.experiment.errors import UnknownCodeError
from tests.files import ROOT


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Held:
    number: float
    more: Any = None


class Base:
    def reach(self) -> float:
        return 1.0


def close_over(number: float) -> Callable[[], float]:
    def reach() -> float:
        return number

    return reach


def make_class(half: float, **members: Any) -> type:
    class Local(Base):
        width = half

        def reach(self) -> float:
            return super().reach() * self.width

    for name, member in members.items():
        setattr(Local, name, member)
    return Local


def add(first: float, second: float = 1.0) -> float:
    return first + second


def add_more(first: float, second: float = 2.0) -> float:
    return first + second


def one_digit_off(size: int, at: int) -> Any:
    numbers = np.ones(size)
    numbers[at] += 1e-15
    return numbers


UNLIKE: dict[str, tuple[Any, Any]] = {
    "kinds of number": (1, 1.0),
    "signs of zero": (0.0, -0.0),
    "text and bytes": ("a", b"a"),
    "a long array, its last bit": (np.ones(5000), one_digit_off(5000, 2500)),
    "shapes": (np.ones((2, 3)), np.ones((3, 2))),
    "dtypes": (np.ones(3), np.ones(3, np.float32)),
    "masks": (np.ma.masked_equal([1, 2], 2), np.ma.masked_equal([1, 2], 1)),
    "a series, its last bit": (pd.Series(np.ones(200)), pd.Series(one_digit_off(200, 50))),
    "an index": (pd.Series([1.0], ["a"]), pd.Series([1.0], ["b"])),
    "a table": (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})),
    "order of a list": ([1, 2], [2, 1]),
    "nesting": ([[1], 2], [[1, 2]]),
    "keys": ({"a": 1}, {"b": 1}),
    "members of an enum": (Colour.RED, Colour.BLUE),
    "dates": (datetime.date(2008, 1, 1), datetime.date(2008, 1, 2)),
    "patterns": (re.compile("a"), re.compile("b")),
    "fields": (Held(1.0, [1]), Held(1.0, [2])),
    "beliefs": (GaussianBelief(0.0, 1.0), GaussianBelief(0.0, 2.0)),
    "frozen noises": (stats.laplace(scale=0.7), stats.laplace(scale=0.8)),
    "generators": (np.random.default_rng(1), np.random.default_rng(2)),
    "arguments of a partial": (partial(add, second=2.0), partial(add, second=3.0)),
    "constants of a function": (lambda: 1.0, lambda: 2.0),
    "what a function does": (lambda x: x + 1, lambda x: x - 1),
    "what a function within does": (lambda: lambda x: x + 1, lambda: lambda x: x - 1),
    "defaults": (add, add_more),
    "closures": (close_over(1.0), close_over(2.0)),
    "class attributes": (make_class(1.0), make_class(2.0)),
    "methods": (make_class(1.0, extra=lambda _: 1), make_class(1.0, extra=lambda _: 2)),
    "properties": (make_class(1.0, extra=property(lambda _: 1)),
                   make_class(1.0, extra=property(lambda _: 2))),
    "static methods": (make_class(1.0, extra=staticmethod(lambda: 1)),
                       make_class(1.0, extra=staticmethod(lambda: 2))),
    "cached properties": (make_class(1.0, extra=cached_property(lambda _: 1)),
                          make_class(1.0, extra=cached_property(lambda _: 2))),
    "cached functions": (cache(close_over(1.0)), cache(close_over(2.0))),
    "bound methods": (Held(1.0).__eq__, Held(2.0).__eq__),
    "instances of like classes": (make_class(1.0)(), make_class(2.0)()),
    "functions of libraries": (np.exp, np.log),
    "loggers": (logging.getLogger("a"), logging.getLogger("b")),
}  # fmt: skip


@pytest.mark.parametrize("pair", UNLIKE.values(), ids=UNLIKE)
def test_what_differs_has_another_digest(pair: tuple[Any, Any]) -> None:
    first, second = pair
    assert digest(first) != digest(second)
    assert digest([first]) != digest([second])


EQUAL: dict[str, Callable[[], Any]] = {
    "sets": lambda: {"a", "b", "cc", "ddd"},
    "dicts of sets": lambda: {"a": {"x", "y", "z"}, "b": {"z", "y", "x"}},
    "closures": lambda: close_over(1.0),
    "classes": lambda: make_class(2.0),
    "functions": lambda: lambda x: 2 * x,
    "noises": lambda: stats.laplace(scale=0.7),
    "tables": lambda: pd.DataFrame({"a": [1.0, 2.0]}),
}


@pytest.mark.parametrize("make", EQUAL.values(), ids=EQUAL)
def test_what_is_equal_has_one_digest(make: Callable[[], Any]) -> None:
    assert digest(make()) == digest(make())


def test_use_changes_no_digest() -> None:
    noise, kind = stats.laplace(scale=0.7), make_class(2.0)
    before = digest(noise), digest(kind)
    noise.rvs(3)
    noise.cdf(0.5)
    kind().reach()
    assert (digest(noise), digest(kind)) == before


def test_a_partial_is_left_as_it_is() -> None:
    """A partial of one that has attributes, be they none, holds it instead of its arguments."""
    given = partial(add, second=2.0)
    digest(given)
    assert partial(given, 1.0).func is add


def test_what_contains_itself_has_a_digest() -> None:
    def recur(depth: int) -> int:
        return recur(depth - 1) if depth else 0

    loop: list[Any] = [1]
    loop.append(loop)
    other: list[Any] = [2]
    other.append(other)
    assert digest(recur) == digest(recur)
    assert digest(loop) != digest(other)


@pytest.mark.parametrize(
    "value", [Lock(), (one for one in [1]), [Held(1.0, Lock())]], ids=["lock", "generator", "held"]
)
def test_what_cannot_be_taken_apart_has_none(value: Any) -> None:
    with pytest.raises(UnknownCodeError, match="cannot be taken apart"):
        digest(value)


def test_global_names_count_wherever_they_come_from(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_helper.py").write_text("HALF = 1.0\n")
    source = "import own_helper\ndef reach(): return own_helper.HALF * np.exp(SCALE)\n"
    names: dict[str, Any] = {"SCALE": 1.0, "np": np, "UNUSED": 1.0, "__name__": "__main__"}
    exec(source, names)
    before = digest(names["reach"])
    names["UNUSED"] = 2.0
    assert digest(names["reach"]) == before
    names["SCALE"] = 2.0
    assert digest(names["reach"]) != before
    names["SCALE"] = 1.0
    assert digest(names["reach"]) == before
    monkeypatch.setattr(names["own_helper"], "HALF", 2.0)
    assert digest(names["reach"]) != before


def test_digests_are_the_same_in_every_process() -> None:
    code = """if True:
        import tests.experiment.test_digest as cases
        parts = [*cases.UNLIKE.values(), *(make() for make in cases.EQUAL.values()), cases.Optimal]
        print(*map(cases.digest, parts))
    """
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)},
    ).stdout.split()  # fmt: skip
    parts = [*UNLIKE.values(), *(make() for make in EQUAL.values()), Optimal]
    assert said == [digest(part) for part in parts]
