"""The passes in C against those in NumPy, byte for byte; a build that rounds otherwise differs."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from abm.bellman import solve
from abm.numerics import compiled, kernels, passes
from abm.numerics.arrays import Array

ROOT = Path(__file__).parents[2]
SIZES = [1, 2, 7, 8, 9, 100, 10_001]
INF = float("inf")
THREE = ["myopic", "optimal", "fixed-spread"]
MARKETS: list[dict[str, Any]] = [
    {"makers": "optimal"}, {"makers": "zero-profit"}, {"makers": "optimal", "value": "redrawn"},
    {"makers": THREE}, {"makers": THREE, "transparency": "own"},
    {"makers": ["zero-profit", "optimal"], "transparency": "own"},
]  # fmt: skip
SETTINGS = [market | {"replications": size} for market in MARKETS for size in (1, 7, 400, 1009)]
RUN = f"""
from hashlib import sha256
from abm import Exchange
for setting in {SETTINGS}:
    tape = Exchange(**setting, prior_sd=3.0, rng=5).run(40).tape
    numbers = [frame.select_dtypes("number") for frame in (tape.market, tape.makers, tape.summary)]
    columns = [frame[name].to_numpy().tobytes() for frame in numbers for name in frame]
    print(sha256(b"".join(columns)).hexdigest())
"""

if not kernels.COMPILED:
    pytest.skip("kernels.c is not compiled here, or turned off", allow_module_level=True)


def market_of(size: int) -> dict[str, Array]:
    draw = np.random.default_rng(size)
    bid = draw.normal(-1.0, 0.5, size)
    ask = bid + draw.exponential(1.0, size)
    bid[draw.random(size) < 0.1] = -INF
    ask[draw.random(size) < 0.1] = INF
    valuation = np.where(draw.random(size) < 0.1, ask, draw.normal(0.0, 2.0, size))
    return {"valuation": valuation, "bid": bid, "ask": ask}


def intervals_of(size: int) -> tuple[Array, Array, Array, Array]:
    """Of all kinds, also far out, narrow, one-sided and the whole line."""
    draw = np.random.default_rng(size)
    lower = draw.normal(0.0, 5.0, size)
    upper = lower + 10 ** draw.uniform(-9.0, 2.0, size)
    lower[draw.random(size) < 0.3] = -INF
    upper[draw.random(size) < 0.3] = INF
    return lower, upper, draw.normal(size=size), 10 ** draw.uniform(-1.0, 1.0, size)


def finish(folded: Array) -> Array:
    """Do between the two passes what is done there."""
    np.expm1(folded[3], out=folded[3])
    np.exp(folded[4], out=folded[4])
    special.ndtr(folded[5:], out=folded[5:])
    return folded


def assert_same_bytes(ours: Any, theirs: Any) -> None:
    if isinstance(ours, tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same_bytes(one, other)
    else:
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


@pytest.mark.parametrize("size", SIZES)
def test_a_period_clears_to_the_same_bytes(size: int) -> None:
    market = market_of(size)
    side = passes.take_sides(**market)
    assert set(side) <= {-1, 0, 1}
    assert_same_bytes(compiled.take_sides(**market), side)
    quote = market["bid"], market["ask"]
    assert_same_bytes(compiled.find_prices(side, *quote), passes.find_prices(side, *quote))
    assert_same_bytes(compiled.find_ends(side, *quote), passes.find_ends(side, *quote))


@pytest.mark.parametrize("size", SIZES)
def test_who_sees_her_own_trades_alone_is_shown_the_same_bytes(size: int) -> None:
    market, generator = market_of(size), np.random.default_rng(size)
    inside = market["bid"], market["ask"]
    bid, ask = (np.where(generator.random(size) < 0.5, price, 0.0) for price in inside)
    side = passes.take_sides(**market)
    at = inside[0] - 1.0, inside[1] + 1.0
    ours = passes.hide_rivals(side, (bid, ask), inside, at)
    assert_same_bytes(compiled.hide_rivals(side, (bid, ask), inside, at), ours)


@pytest.mark.parametrize("size", SIZES)
def test_moments_have_the_same_bytes(size: int) -> None:
    ends = intervals_of(size)
    folded, delicate = passes.fold_interval(*ends)
    assert_same_bytes(compiled.fold_interval(*ends), (folded, delicate))
    with np.errstate(all="ignore"):
        expected = passes.close_moments(finish(folded))
    told = ~passes.find_delicate(folded)
    assert_same_bytes(compiled.close_moments(folded)[:, told], expected[:, told])


@pytest.mark.parametrize("size", SIZES)
def test_a_normal_is_tilted_to_the_same_bytes(size: int) -> None:
    *_, mean, sd = intervals_of(size)
    scale = passes.widen(sd, 0.7)
    assert_same_bytes(compiled.widen(sd, 0.7), scale)
    moments = np.random.default_rng(size).random((2, size))
    given = mean, sd, 0.7, scale, moments
    assert_same_bytes(compiled.tilt_normal(*given), passes.tilt_normal(*given))


@pytest.mark.parametrize("size", SIZES)
def test_a_cubic_has_the_same_bytes(size: int) -> None:
    depth = solve(0.9).depth
    nodes = depth.mesh.nodes
    inside = np.random.default_rng(size).choice(nodes, size)
    around = inside + np.random.default_rng(size).normal(0.0, 1.0, size)
    for x in (inside, np.nextafter(inside, -1.0), around):
        given = x, nodes, depth.coefficients, *depth.mesh.buckets
        assert_same_bytes(compiled.evaluate_cubic(*given), passes.evaluate_cubic(*given))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("odd", [0.0, INF, -INF, np.nan])
def test_spans_and_orders_are_the_same(size: int, odd: float) -> None:
    for place in {0, size // 2, size - 1}:
        numbers = np.random.default_rng(size).normal(size=size)
        numbers[place] = odd
        above = numbers + 1e-9
        assert_same_bytes(compiled.find_span(numbers), passes.find_span(numbers))
        for pair in ((numbers, above), (above, numbers), (numbers, numbers)):
            assert compiled.are_ordered(*pair) is passes.are_ordered(*pair)


def test_arrays_that_do_not_lie_in_one_piece_are_read_all_the_same() -> None:
    whole = market_of(200)
    every_other = {name: column[::2] for name, column in whole.items()}
    assert_same_bytes(compiled.take_sides(**every_other), passes.take_sides(**every_other))


@pytest.mark.parametrize("kind", ["f", "i", "l", ">f8"])
def test_numbers_of_other_types_are_read_as_numbers(kind: str) -> None:
    numbers = np.arange(1, 6).astype(kind)
    floats = numbers.astype(np.float64)
    assert_same_bytes(compiled.find_span(numbers), passes.find_span(floats))
    assert_same_bytes(compiled.widen(numbers, 2.0), passes.widen(floats, 2.0))
    assert_same_bytes(compiled.take_sides(numbers, floats - 2, floats), np.zeros(5, np.int8))
    depth = solve(0.9).depth
    assert_same_bytes(depth(numbers), depth(floats))


@pytest.mark.parametrize("shape", [(), (0,), (3, 4)])
def test_arrays_of_any_shape_keep_it(shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    market = {name: column.reshape(shape) for name, column in market_of(size).items()}
    side = passes.take_sides(**market)
    assert_same_bytes(compiled.take_sides(**market), side)
    quote = market["bid"], market["ask"]
    for ours, theirs in (
        (passes.find_prices(side, *quote), compiled.find_prices(side, *quote)),
        *zip(passes.find_ends(side, *quote), compiled.find_ends(side, *quote), strict=True),
    ):
        assert ours.shape == shape
        assert_same_bytes(ours, theirs)


def test_one_nan_leaves_its_neighbours_as_they_are() -> None:
    ends = np.array([[np.nan, 40.0], [np.nan, 41.0], [0.0, 0.0], [1.0, 1.0]])
    for module in (passes, compiled):
        _, delicate = module.fold_interval(*ends)
        assert delicate


def test_coefficients_of_other_cells_are_refused() -> None:
    depth = solve(0.9).depth
    nodes, buckets = depth.mesh.nodes, depth.mesh.buckets
    with pytest.raises(TypeError, match="need four coefficients a cell, and a flag a bucket"):
        compiled.evaluate_cubic(np.ones(3), nodes[:-1], depth.coefficients, *buckets)


@pytest.mark.parametrize("fault", ["no library", "of another source"])
def test_a_library_that_does_not_fit_is_not_used_and_that_is_said(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_junk(name: str) -> Any:
        raise ImportError(f"{name} is junk")

    if fault == "no library":
        monkeypatch.setattr(compiled, "import_module", load_junk)
    else:
        other = tmp_path / "kernels.c"
        other.write_text("/* not what was compiled */")
        monkeypatch.setattr(compiled, "SOURCE", other)
    with pytest.warns(RuntimeWarning, match="kernels are not used: .*NumPy does all"):
        assert compiled.find_kernels() is None


@pytest.mark.parametrize("short", ["bid", "ask"])
def test_arrays_of_two_lengths_are_refused(short: str) -> None:
    market = market_of(10)
    market[short] = market[short][:9]
    with pytest.raises(TypeError, match="has 9 elements, but must have 10"):
        compiled.take_sides(**market)


def run_markets(switch: str) -> list[str]:
    told = subprocess.run(
        [sys.executable, "-c", RUN], cwd=ROOT, check=True, capture_output=True, text=True,
        env=os.environ | {compiled.SWITCH: switch, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return told.stdout.split()


def test_markets_leave_the_same_bytes_with_and_without_them() -> None:
    with_c, without = run_markets("1"), run_markets("0")
    assert len(with_c) == len(SETTINGS)
    assert len(set(with_c)) == len(SETTINGS)
    assert with_c == without


def load_build(tmp_path: Path, flags: str) -> Any:
    """Compile the kernels with other flags, as `_kernels` of a folder of its own."""
    build = load("build_kernels", ROOT / ".ci/build_kernels.py")
    library = tmp_path / "_kernels.abi3.so"
    build.compile_kernels(ROOT / "abm/numerics/kernels.c", library, build.FLAGS + flags)
    return load("_kernels", library)


def load(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("flags", "same"), [("", True), (" -ffp-contract=fast -mfma", False)])
def test_a_build_that_fuses_multiply_and_add_has_other_bytes(
    tmp_path: Path, flags: str, same: bool
) -> None:
    cpu = Path("/proc/cpuinfo")
    if not cpu.exists() or "fma" not in cpu.read_text():
        pytest.skip("this processor has no fused multiply-add")
    module = load_build(tmp_path, flags)
    folded = finish(passes.fold_interval(*intervals_of(10_001))[0])
    moments = np.empty((2, 10_001))
    module.close_moments(folded, moments)
    told = ~passes.find_delicate(folded)
    ours = compiled.close_moments(folded)[:, told]
    assert (moments[:, told].tobytes() == ours.tobytes()) is same
