"""The test bench: a maker among traders who follow a script, so that two runs differ in one thing.

A script holds three replications. Any of them can be run by itself, with the valuations and the
random draws that it has among the others; prices can be shifted, and scaled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial

import numpy as np

from abm.exchange.admission import MakerChoice
from abm.exchange.model import Exchange
from abm.makers.zero_profit import ZeroProfit
from abm.market.quotes import Quote
from abm.market.random_streams import Draws, Streams
from abm.numerics.arrays import Array
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel
from abm.participants.transparency import TRANSPARENCIES
from abm.testing.trail import Trail
from abm.traders.noisy import NoisyTrader

PERIODS, LONG = 12, 60  # of a maker alone, and beside rivals
WIDTH = 3  # replications of a script
SEED = 2008


class Scripted(NoisyTrader):
    """Values the asset as a script says, of shape (periods, R), or more extremely.

    The side of the inside quote that the trader takes is the script's, however far beyond it the
    valuation is.
    """

    def __init__(self, model: PublicModel, *, script: Array, beyond: float) -> None:
        super().__init__(model)
        self._script, self._beyond = script, beyond

    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002, it is scripted
        """Return this period's row of the script."""
        written: Array = self._script[self.period]
        return written + self._beyond * self.model.inside.side(written)


class Decliner(MarketMaker):
    """Buys only: her ask is infinite."""

    name = "decliner"

    def quote(self) -> Quote:
        """Return a bid well below the mean of her belief, and no ask."""
        belief = self.require_belief()
        return Quote(belief.mean - 3 * np.hypot(belief.sd, self.noise_sd), np.inf)


class RowStreams(Streams):
    """The draws of some of a script's replications."""

    def __init__(self, seed: int, rows: Sequence[int]) -> None:
        super().__init__(seed, 0, WIDTH)
        self.rows = list(rows)

    def draws(self, role: int) -> Draws:
        """Return the draws of this role."""
        return RowDraws(self, role)


class RowDraws(Draws):
    """One role's draws in some of a script's replications."""

    _streams: RowStreams

    def normal(self) -> Array:
        """Return draws from N(0, 1), one for each of these replications."""
        return super().normal()[self._streams.rows]

    def uniform(self) -> Array:
        """Return draws from the uniform distribution on [0, 1), one for each of these."""
        return super().uniform()[self._streams.rows]


@dataclass(frozen=True)
class Bench:
    """A market for a maker to be tried in.

    Parameters
    ----------
    prior_sd : float
        In noise sds.
    rivals : tuple
        Makers in the same exchange.
    transparency : {"public", "own"}
    rows : tuple of int
        Which replications of the script.
    shift, scale : float
        What prices are moved by, once they are multiplied; `scale` is the noise sd.
    seed : int
        Of the maker's draws; the script is always the same.
    hidden : float
        What the value is moved by, and valuations too where that does not change a trade.
    alike : bool
        Whether the same traders come in all replications; what makers draw stays apart.
    periods : int
        How many traders come.
    """

    prior_sd: float = 1.0
    rivals: tuple[MakerChoice, ...] = ()
    transparency: str = "public"
    rows: tuple[int, ...] = tuple(range(WIDTH))
    shift: float = 0.0
    scale: float = 1.0
    seed: int = 1
    hidden: float = 0.0
    alike: bool = False
    periods: int = PERIODS

    def market(self, maker: MakerChoice) -> Exchange:
        """Return an exchange of the maker and her rivals, with the traders of the script."""
        return ScriptedExchange(self, maker)

    def write_script(self) -> Array:
        """Return the valuations of the traders, shape (periods, R), in units of price."""
        rng = np.random.default_rng(SEED)
        script = self.prior_sd * rng.normal(size=WIDTH) + rng.normal(size=(self.periods, WIDTH))
        rows = [0] * len(self.rows) if self.alike else list(self.rows)
        return self.scale * script[:, rows] + self.shift

    def trail(self, maker: MakerChoice) -> Trail:
        """Return what the maker quotes and believes in every period."""
        return Trail.of(self.market(maker), self.periods)

    def first_trail(self, maker: MakerChoice) -> Trail:
        """Return the trail that she left here first: rules of one check share it."""
        shared = _FIRST.get({})
        if self not in shared:
            shared[self] = self.trail(maker)
        return shared[self]


class ScriptedExchange(Exchange):
    """An exchange on the bench: its value is moved out of sight, its draws are the script's."""

    def __init__(self, bench: Bench, maker: MakerChoice) -> None:
        self._bench = bench
        super().__init__(
            [maker, *bench.rivals],
            partial(Scripted, script=bench.write_script(), beyond=bench.hidden),
            prior_mean=bench.shift, prior_sd=bench.scale * bench.prior_sd, noise_sd=bench.scale,
            transparency=bench.transparency, replications=len(bench.rows), rng=bench.seed,
        )  # fmt: skip

    def open_streams(self, seed: int, block: int) -> Streams:  # noqa: ARG002, there is one block
        """Return the draws of the bench's replications."""
        return RowStreams(seed, self._bench.rows)

    def draw_shock(self) -> Array:
        """Return the value after the shock, moved by what is hidden."""
        return super().draw_shock() + self._bench.hidden


_FIRST: ContextVar[dict[Bench, Trail]] = ContextVar("first trails")


@contextmanager
def share_first_trails() -> Iterator[None]:
    """Let rules that are tried on one maker in the context share her first trails."""
    before = _FIRST.set({})
    try:
        yield
    finally:
        _FIRST.reset(before)


ALONE = [Bench(prior_sd) for prior_sd in (0.25, 1.0, 3.0, 8.0)]
BESIDE_RIVALS = [
    Bench(2.0, (ZeroProfit, Decliner), transparency, periods=LONG)
    for transparency in TRANSPARENCIES
]
BENCHES = [*ALONE, *BESIDE_RIVALS]
