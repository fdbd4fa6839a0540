"""What an experiment simulates: exchanges, whose makers and terms are the parameters of a point."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from abm.exchange.admission import MakerChoice, as_list
from abm.exchange.model import MOST_PERIODS, Exchange
from abm.exchange.tape import RECORDS
from abm.exchange.totals import Totals
from abm.experiment.points import Point
from abm.numerics.checks import discount_factor, one_of, whole
from abm.participants.maker import MarketMaker
from abm.participants.registry import MAKER_TYPES, locate
from abm.runs.parquet import Tables, make_table
from abm.runs.schema import MAKERS, MARKET, SUMMARY

OF_THE_BLOCK = {"record", "replications", "block", "rng"}


class Unit(NamedTuple):
    """A piece of work: one block of replications at one point.

    Parameters
    ----------
    name : str
        POINT-BLOCK, by their numbers.
    point : dict
        Parameters.
    block, size : int
        Which block of replications, and how many they are.
    periods : int
        Traders who arrive in each.
    seed : int
        Of the whole experiment.
    """

    name: str
    point: Point
    block: int
    size: int
    periods: int
    seed: int


@dataclass(frozen=True)
class Markets:
    """Simulates a block of markets, and reduces or records it.

    Parameters
    ----------
    discount : float
        Of profits, per period; makers that look ahead do so with it, unless given another.
    record : {"summary", "full"}
        Whether to keep the whole tape beside summary and totals.
    burn_in : int
        Periods that pass before totals begin to count; discounting begins with the first counted.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range or unknown.
    """

    discount: float = 0.9
    record: str = "summary"
    burn_in: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "discount", discount_factor(self.discount))
        one_of("record", self.record, RECORDS)
        object.__setattr__(self, "burn_in", whole("burn_in", self.burn_in, 0, MOST_PERIODS - 1))

    def check(self, point: Point, size: int) -> None:
        """Raise unless exchanges of so many replications take this point's parameters."""
        known = inspect.signature(Exchange).parameters.keys() - OF_THE_BLOCK
        for name in self.terms(point):
            one_of("parameter", name, known)
        self.exchange(Unit("", point, 0, size, 1, 0))

    def terms(self, point: Point) -> Point:
        """Return the parameters of the exchange that a point stands for: they are its own."""
        return point

    def code(self, points: Sequence[Point]) -> dict[str, str]:
        """Return hashes of the files of makers that are not of this package, by their places."""
        makers = [one for point in points for one in self._choices(self.terms(point)["makers"])]
        kinds = {maker.func if isinstance(maker, partial) else maker for maker in makers}
        files = {
            locate(kind): sys.modules[kind.__module__].__dict__.get("__file__") for kind in kinds
        }
        return {
            f"code of {place}": sha256(Path(file).read_bytes()).hexdigest()[:12]
            for place, file in sorted(files.items())
            if file and not place.startswith(("abm.", "scenarios."))
        }

    def exchange(self, unit: Unit) -> Exchange:
        """Return the markets of a unit, before the first trader comes."""
        terms = self.terms(unit.point)
        terms = terms | {"makers": self._choices(terms.get("makers", ()))}
        record = self.record_of(unit)
        return Exchange(
            **terms, record=record, replications=unit.size, block=unit.block, rng=unit.seed
        )

    def record_of(self, unit: Unit) -> str:  # noqa: ARG002, others may record by the unit
        """Return how a unit is recorded."""
        return self.record

    def __call__(self, unit: Unit) -> Tables:
        """Return a unit's tables: summary and totals, and market and makers if recorded in full."""
        market = self.exchange(unit)
        totals = Totals(market.makers, self.discount)
        market.tape.reserve(unit.periods)
        for period in range(unit.periods):
            market.step()
            if period >= self.burn_in:
                totals.add(market.clearing)
        tables = self.tables(market, totals)
        del market.tape  # a model and its agents refer to each other: it would stay for long
        return tables

    def tables(self, market: Exchange, totals: Totals) -> Tables:
        """Return what is kept of markets that have run."""
        tables = {
            "summary": make_table(market.tape.moments.columns(), SUMMARY),
            "totals": totals.table(market.replication),
        }
        if market.tape.full:
            tables["market"] = make_table(market.tape.market, MARKET)
            tables["makers"] = make_table(market.tape.makers, MAKERS)
        return tables

    def _choices(
        self, makers: MakerChoice | Sequence[MakerChoice]
    ) -> list[Callable[..., MarketMaker]]:
        """Return the makers; those that look ahead are given the discount, unless a partial."""
        return [self.patient(choice) for choice in as_list(makers)]

    def patient(self, choice: MakerChoice) -> Callable[..., MarketMaker]:
        """Return a maker; one that looks ahead is given the discount, unless a partial."""
        maker = MAKER_TYPES.find(choice) if isinstance(choice, str) else choice
        if not isinstance(maker, type):
            return maker
        looks_ahead = "discount" in inspect.signature(maker).parameters
        return partial(maker, discount=self.discount) if looks_ahead else maker
