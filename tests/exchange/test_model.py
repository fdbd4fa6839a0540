"""The model's draws, against NumPy's Philox at the counters that the market's streams promise."""

import numpy as np
import pytest

from abm import Exchange
from abm.numerics.arrays import Array

SEED, MARKETS, PERIODS = 7, 5, 3
VALUE, TRADER = 0, 1  # roles


def draw(block: int, role: int, period: int) -> Array:
    philox = np.random.Philox(key=[SEED, block], counter=[0, 0, role, period])
    return np.random.Generator(philox).standard_normal(MARKETS)


@pytest.mark.parametrize("block", [0, 3])
def test_value_and_valuations_are_drawn_by_seed_block_role_and_period(block: int) -> None:
    market = Exchange(
        "myopic", prior_mean=10.0, prior_sd=3.0, noise_sd=2.0,
        replications=MARKETS, block=block, rng=SEED,
    ).run(PERIODS)  # fmt: skip
    tape = market.tape.market
    value = 10.0 + 3.0 * draw(block, VALUE, 0)
    valuations = [value + 2.0 * draw(block, TRADER, period) for period in range(PERIODS)]
    np.testing.assert_array_equal(tape["value"], np.repeat(value, PERIODS))
    np.testing.assert_array_equal(tape["valuation"], np.ravel(valuations, order="F"))
    assert tape["replication"].iloc[0] == MARKETS * block
