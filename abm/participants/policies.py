"""Policies of a few numbers, and the plain files that hold them.

A policy is any function from an observation to an action, arrays of shape (R, n) and (R, m) (see
`abm.makers.policy`). Those below are made of numbers alone, so that a file can hold them: JSON,
with every digit, a digest of it all, and what the policy was made to observe. Nothing in a file is
executed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.arrays import Array
from abm.numerics.checks import require_finite, require_one_of
from abm.numerics.describe import describe, show_value
from abm.numerics.frozen import set_fields

Policy = Callable[[Array], Array]
File = str | PathLike[str]

FORMAT = "market-shock policy 1"
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda numbers: np.maximum(numbers, 0.0),
}


@dataclass(frozen=True, eq=False)
class PolynomialPolicy:
    """Actions that are polynomials in log rho, the first number of an observation.

    Parameters
    ----------
    coefficients : array_like, shape (k,), (m, k) or (R, m, k)
        Of the powers 0 to k - 1, for each of the m numbers of an action; or for each replication
        its own, so that many policies are tried at once. Actions are clipped to [-1, 1].

    Examples
    --------
    >>> widening = PolynomialPolicy([0.2, 0.3])
    >>> widening(np.log([[1.0], [3.0]])).round(3)
    array([[0.2 ],
           [0.53]])
    """

    coefficients: Array

    def __init__(self, coefficients: ArrayLike) -> None:
        array = np.atleast_2d(require_finite("coefficients", coefficients))
        if array.ndim > 3 or not array.size:
            raise ValueError(
                f"coefficients has shape {array.shape}, but must be (k,), (m, k) or (R, m, k): "
                f"give one for each power, as [0.2, 0.3]"
            )
        set_fields(self, coefficients=array)

    def __repr__(self) -> str:
        return describe(self, f"coefficients {self.coefficients.tolist()}")

    def __call__(self, observation: Array) -> Array:
        """Return the actions, shape (R, m)."""
        if len(self.coefficients) not in (1, len(observation)) and self.coefficients.ndim == 3:
            raise ValueError(
                f"coefficients are of {len(self.coefficients)} replications, but there are "
                f"{len(observation)}: give as many, or those of one policy"
            )
        log_rho = observation[:, 0]
        powers = log_rho[:, np.newaxis] ** np.arange(self.coefficients.shape[-1])
        return np.clip((self.coefficients * powers[:, np.newaxis]).sum(axis=-1), -1.0, 1.0)


@dataclass(frozen=True, eq=False)
class NetworkPolicy:
    """Actions of a feed-forward network, as those of reinforcement learning are.

    Parameters
    ----------
    weights : sequence of array_like, shapes (n, h), (h, g), ..., (g, m)
        Of each layer: from n numbers of an observation to m of an action.
    biases : sequence of array_like, shapes (h,), (g,), ..., (m,)
    activation : {"tanh", "relu"}
        Of all layers but the last, whose results are clipped to [-1, 1].

    Raises
    ------
    ValueError, TypeError
        If layers do not fit each other, or hold no numbers.

    Examples
    --------
    >>> linear = NetworkPolicy([[[0.3], [0.0], [0.0]]], [[0.2]])
    >>> linear(np.array([[1.0, 5.0, 100.0]]))
    array([[0.5]])
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: str = "tanh"

    def __init__(
        self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], activation: str = "tanh"
    ) -> None:
        layers = tuple(require_finite("weights", layer) for layer in weights)
        shifts = tuple(require_finite("biases", layer) for layer in biases)
        shapes = [layer.shape for layer in layers]
        if (
            not layers
            or any(len(shape) != 2 for shape in shapes)
            or [shape[1:] for shape in shapes] != [shift.shape for shift in shifts]
            or [shape[1] for shape in shapes[:-1]] != [shape[0] for shape in shapes[1:]]
        ):
            raise ValueError(
                f"weights have shapes {shapes} and biases {[shift.shape for shift in shifts]}, but "
                f"each layer must be (numbers in, numbers out) with a bias for each out, and take "
                f"in what the one before gives: give them in this order"
            )
        require_one_of("activation", activation, ACTIVATIONS)
        set_fields(self, weights=layers, biases=shifts, activation=activation)

    def __repr__(self) -> str:
        sizes = [len(self.weights[0]), *map(len, self.biases)]
        return describe(self, "-".join(map(str, sizes)), self.activation)

    def __call__(self, observation: Array) -> Array:
        """Return the actions, shape (R, m); ValueError if it takes in other observations."""
        taken, shown = len(self.weights[0]), observation.shape[1]
        if taken != shown:
            raise ValueError(
                f"the network takes in {taken} numbers, but an observation holds {shown}: give the "
                f"maker or the environment the settings that it was made for, as last=True"
            )
        activate = ACTIVATIONS[self.activation]
        *hidden, last = zip(self.weights, self.biases, strict=True)
        layer = observation
        for weights, biases in hidden:
            layer = activate(_pass_on(layer, weights, biases))
        return np.clip(_pass_on(layer, *last), -1.0, 1.0)


def _pass_on(layer: Array, weights: Array, biases: Array) -> Array:
    """Return layer @ weights + biases, shape (R, out); a row's digits are not those of its number.

    A product of matrices adds up in another order where there are more rows.
    """
    total = np.broadcast_to(biases, (len(layer), len(biases))).copy()
    for numbers, row in zip(layer.T, weights, strict=True):
        total += numbers[:, np.newaxis] * row
    return total


KINDS: dict[str, type[Any]] = {"polynomial": PolynomialPolicy, "network": NetworkPolicy}


def write_policy(file: File, policy: Policy, made_for: dict[str, Any]) -> None:
    """Write a policy and what it was made for to a file, whole or not at all.

    Raises
    ------
    TypeError
        If the policy is none of those that consist of numbers.
    OSError
        If the file cannot be written.
    """
    kind = next((name for name, kind in KINDS.items() if type(policy) is kind), None)
    if kind is None:
        raise TypeError(
            f"policy is {show_value(policy)}, but a file can hold only a PolynomialPolicy or a "
            f"NetworkPolicy (abm.makers): fit one of these to it, or give the function itself to "
            f"PolicyMaker"
        )
    content = {"policy": kind, "made for": made_for, "numbers": _list_numbers(policy)}
    text = json.dumps({"format": FORMAT, "digest": _digest(content)} | content, indent=1)
    path = Path(file)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"policy file {str(file)!r} cannot be written, for there is no folder "
            f"{str(path.parent)!r}: make it, or give another"
        )
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def read_policy(file: File) -> tuple[Policy, dict[str, Any]]:
    """Return the policy of a file, and what it was made for.

    Raises
    ------
    ValueError
        If it is not whole, or not the file of a policy.
    OSError
        If it cannot be read.
    """
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _refuse(
            file, f"does not read as JSON ({error}): it is truncated, or foreign"
        ) from None
    written = content.get("format") if isinstance(content, dict) else None
    if written != FORMAT:
        raise _refuse(file, f"has the format {written!r}, but must have {FORMAT!r}")
    if content.get("digest") != _digest(content):
        raise _refuse(file, "does not hold what was written to it: it was edited, or is not whole")
    try:
        kind = KINDS[require_one_of("policy", content["policy"], KINDS)]
        return kind(**content["numbers"]), dict(content["made for"])
    except (KeyError, TypeError, ValueError) as error:
        raise _refuse(file, f"holds no policy of this version ({error})") from error


def _list_numbers(policy: Any) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(policy), default=lambda array: array.tolist()))


def _digest(content: dict[str, Any]) -> str:
    """Return a hash of what a file says beside its format."""
    told = {name: content[name] for name in ("policy", "made for", "numbers") if name in content}
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _refuse(file: File, fault: str) -> ValueError:
    return ValueError(
        f"policy file {str(file)!r} {fault}: give one that PolicyMaker.save wrote, or write it anew"
    )
