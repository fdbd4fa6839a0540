import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.numerics.arrays import Array
from abm.numerics.piecewise_cubic import Mesh

GAPS = st.lists(st.floats(0.05, 3.0), min_size=3, max_size=30)


def uneven(cells: int, seed: int = 1) -> Mesh:
    gaps = np.random.default_rng(seed).uniform(0.2, 1.8, cells)
    return Mesh(np.concatenate([[0.0], np.cumsum(gaps)]) / cells)


def inside(mesh: Mesh, points: int = 2001) -> Array:
    return np.linspace(mesh.nodes[0], mesh.nodes[-1], points)


def largest_error(mesh: Mesh) -> float:
    """Return the largest error, anywhere inside, of the cubic through sin 3x."""
    x = inside(mesh)
    return float(abs(mesh.cubic(np.sin(3 * mesh.nodes))(x) - np.sin(3 * x)).max())


@given(gaps=GAPS, coefficients=st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_a_cubic_is_reproduced_on_uneven_nodes(
    gaps: list[float], coefficients: list[float]
) -> None:
    mesh = Mesh(np.concatenate([[0.0], np.cumsum(gaps)]))
    powers = np.array([3, 2, 1, 0])

    def cubic(x: Array) -> Array:
        return (np.array(coefficients) * x[:, np.newaxis] ** powers).sum(axis=-1)

    x = inside(mesh, 101)
    scale = (np.abs(coefficients) * mesh.nodes[-1] ** powers).sum()
    error = mesh.cubic(cubic(mesh.nodes))(x) - cubic(x)
    assert (abs(error) <= 1e-11 * scale).all()


def test_a_quartic_is_not_reproduced() -> None:
    mesh = uneven(8)
    x = inside(mesh)
    assert abs(mesh.cubic(mesh.nodes**4)(x) - x**4).max() > 1e-5


def test_the_cubic_passes_through_every_node() -> None:
    mesh = uneven(40)
    values = np.random.default_rng(2).normal(size=41)
    np.testing.assert_allclose(mesh.cubic(values)(mesh.nodes), values, atol=1e-11)


def test_the_cubic_is_continuous_across_nodes() -> None:
    mesh = uneven(40)
    values = np.random.default_rng(2).normal(size=41)
    before = np.nextafter(mesh.nodes[1:], 0.0)
    np.testing.assert_allclose(mesh.cubic(values)(before), values[1:], atol=1e-10)


def test_the_error_falls_with_the_fourth_power_of_the_cells_width() -> None:
    coarse = uneven(40)
    fine = coarse.halve()
    order = np.log2(largest_error(coarse) / largest_error(fine))
    assert order == pytest.approx(4, abs=0.35)


@given(gaps=GAPS, seed=st.integers(0, 2**32 - 1))
def test_weights_give_the_same_function_as_the_cubic(gaps: list[float], seed: int) -> None:
    mesh = Mesh(np.concatenate([[0.0], np.cumsum(gaps)]))
    rng = np.random.default_rng(seed)
    values = rng.normal(size=len(mesh.nodes))
    x = rng.uniform(0, mesh.nodes[-1], (5, 7))
    node, weight = mesh.weights(x)
    assert node.shape == weight.shape == (5, 7, 4)
    scale = 1 + abs(weight).sum(axis=-1)
    error = (weight * values[node]).sum(axis=-1) - mesh.cubic(values)(x)
    assert (abs(error) <= 1e-7 * scale).all()


def test_weights_sum_to_one() -> None:
    mesh = uneven(12)
    _, weight = mesh.weights(inside(mesh))
    np.testing.assert_allclose(weight.sum(axis=-1), 1.0, atol=1e-12)


def test_at_a_node_the_whole_weight_is_its_own() -> None:
    mesh = uneven(12)
    node, weight = mesh.weights(mesh.nodes)
    own = node == np.arange(13)[:, np.newaxis]
    assert (own.sum(axis=-1) == 1).all()
    np.testing.assert_allclose(weight, own, atol=1e-13)


def test_weights_lean_on_the_two_nodes_either_side_away_from_the_ends() -> None:
    mesh = uneven(12)
    node, _ = mesh.weights(mesh.halve().nodes[1::2])
    expected = np.clip(np.arange(12) - 1, 0, 9)[:, np.newaxis] + np.arange(4)
    np.testing.assert_array_equal(node, expected)


def test_four_nodes_are_enough() -> None:
    mesh = Mesh(np.array([0.0, 0.3, 1.0, 4.0]))
    x = inside(mesh)
    np.testing.assert_allclose(mesh.cubic(mesh.nodes**3)(x), x**3, atol=1e-12)


def test_a_cell_runs_from_its_left_node_up_to_but_not_with_its_right_one() -> None:
    mesh = Mesh(np.array([0.0, 1.0, 3.0, 4.0]))
    x = np.array([0.0, 0.999, 1.0, 2.999, 3.0, 3.999])
    np.testing.assert_array_equal(mesh.cell(x), [0, 0, 1, 1, 2, 2])


def test_outside_the_nodes_the_nearest_cell_is_taken() -> None:
    mesh = Mesh(np.array([0.0, 1.0, 3.0, 4.0]))
    np.testing.assert_array_equal(mesh.cell(np.array([-5.0, 4.0, 99.0])), [0, 2, 2])


def test_outside_the_nodes_the_nearest_cubic_goes_on() -> None:
    mesh = uneven(10)
    x = np.array([-0.1, mesh.nodes[-1] + 0.1])
    np.testing.assert_allclose(mesh.cubic(mesh.nodes**3 - mesh.nodes)(x), x**3 - x, atol=1e-10)


def test_halving_keeps_the_nodes_and_puts_one_in_the_middle_of_every_cell() -> None:
    mesh = uneven(9)
    halved = mesh.halve().nodes
    np.testing.assert_array_equal(halved[::2], mesh.nodes)
    np.testing.assert_allclose(halved[1::2] - mesh.nodes[:-1], 0.5 * np.diff(mesh.nodes))


def test_cells_are_split_in_so_many_even_parts() -> None:
    mesh, parts = uneven(4), np.array([1, 3, 1, 2])
    nodes = mesh.split(parts)
    assert np.isin(mesh.nodes, nodes).all()
    assert nodes.size == mesh.nodes.size + (parts - 1).sum()
    each = np.repeat(np.diff(mesh.nodes) / parts, parts)
    np.testing.assert_allclose(np.diff(nodes), each, rtol=1e-12)


def test_values_keep_their_shape() -> None:
    function = uneven(10).cubic(np.ones(11))
    assert function(np.array(0.5)).shape == ()
    assert function(np.ones((2, 3))).shape == (2, 3)
