r"""Classical architectures on synthetic Gaussian-process tasks: what a task needs, what an architecture offers, the loss.

A task is to predict the next value of a stationary process with covariance k from its last N values, observed with noise:
``Gamma = K + sigma^2``, ``c_i = k(N - i)``. The best linear predictor is Wiener's, ``w* = Gamma^-1 c``, with the loss
``k(0) - c^T Gamma^-1 c``; a predictor w loses ``(w - w*)^T Gamma (w - w*)`` more. An architecture is fitted by least squares
on that excess, ``Gamma^(1/2) (w(theta) - w*)``, with the exact Jacobian of its equations.

What a task needs of an input is what its loss rises by when it is left out and the others are used as well as possible,
``w*_i^2 / (Gamma^-1)_ii``.

>>> from layeralgebra.layers.zoo.studies.tasks import TASKS, architectures, fit
>>> task = TASKS["short memory"](16)
>>> found = fit(architectures(16)["dense"], task)
>>> found.total, round(found.excess, 9)
(16, 0.0)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Symbol

from ....algebra.capacity.column_spaces.covariance import ar1, mixture, periodic, power_law
from ....algebra.equations.fields import Dim
from ....algebra.errors import FieldError, UnsupportedError
from ....algebra.networks.layer import Layer
from ....algebra.networks.network import Network, Repeat
from ....algebra.records import dataclass
from ...convolution import Conv
from ...linear import Linear
from ...pooling import AvgPool
from ...reshape import Flatten

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH = 32
"""How many past values a predictor sees."""


@dataclass(frozen=True)
class Task:
    """Predict the next value of a Gaussian process.

    Attributes
    ----------
    name : str
    kernel : callable
        The covariance at a lag.
    length : int
        The number of past values; the last one is the latest.
    noise : float
        The variance of what is added to each observation.
    """

    name: str
    kernel: Callable[[Any], Any]
    length: int
    noise: float = 0.1

    @cached_property
    def covariance(self) -> NDArray[Any]:
        """Of the inputs."""
        places = np.arange(self.length)
        lags = np.abs(places[:, None] - places).astype(float)
        return np.asarray(self.kernel(lags), dtype=float) + self.noise * np.eye(self.length)

    @cached_property
    def correlation(self) -> NDArray[Any]:
        """Of the inputs with the value that is predicted."""
        return np.asarray(self.kernel(np.arange(self.length, 0, -1.0)), dtype=float)

    @cached_property
    def wiener(self) -> NDArray[Any]:
        """The best linear predictor."""
        return np.linalg.solve(self.covariance, self.correlation)

    @property
    def least_loss(self) -> float:
        """The mean squared error of the best linear predictor."""
        return float(self.kernel(0.0) - self.correlation @ self.wiener)

    @property
    def variance(self) -> float:
        """The mean squared error of predicting nothing."""
        return float(self.kernel(0.0))

    @cached_property
    def needs(self) -> NDArray[Any]:
        """By how much the loss rises without each input, the others used as well as possible; adding up to one."""
        raised = self.wiener**2 / np.diag(np.linalg.inv(self.covariance))
        return raised / raised.sum()

    def excess(self, predictor: Any) -> float:
        """How much more a predictor loses than the best one."""
        error = predictor - self.wiener
        return float(error @ self.covariance @ error)


TASKS: dict[str, Callable[[int], Task]] = {
    "short memory": lambda length: Task("short memory", ar1(0.6), length, 0.1),
    "long memory": lambda length: Task("long memory", power_law(0.3), length, 1.0),
    "periodic": lambda length: Task("periodic", periodic(24.0, 200.0), length, 1.0),
    "two scales": lambda length: Task("two scales", mixture((0.5, ar1(0.3)), (0.5, ar1(0.98))), length, 0.2),
}
"""Tasks by name, as functions of the number of past values."""


@dataclass(frozen=True)
class Architecture:
    """A linear network on the last N values of a series; `output` is the place of its prediction."""

    name: str
    net: Network
    shape: tuple[int, ...]
    output: Any = None


def architectures(length: int = LENGTH) -> dict[str, Architecture]:
    """Six classical architectures without activations, on so many values (a power of two, 16 at least)."""
    if length < 16 or length & (length - 1):
        raise FieldError(f"the architectures compared here take a power of two of past values, from 16, got {length}")
    depth = length.bit_length() - 1
    level = Symbol("l", integer=True, nonnegative=True)

    def conv(kernel: int, **options: Any) -> Network:
        return Conv(1, kernel, bias=False, **options)

    recurrent, low_rank = _layers()
    plain = Repeat(conv(3, padding="causal"), 4)
    dilated = Repeat(conv(2, dilation=2**level), depth, level)
    pyramid = (
        (conv(3, padding="same") >> AvgPool(2))
        >> (conv(3, padding="same") >> AvgPool(2))
        >> Flatten()
        >> Linear(1, bias=False)
    )
    found = [
        Architecture("dense", Flatten() >> Linear(1, bias=False), (1, length)),
        Architecture("convolutions", plain, (1, length), (0, length - 1)),
        Architecture("dilated", dilated, (1, length)),
        Architecture("pyramid", pyramid, (1, length)),
        Architecture("recurrent", recurrent(3) >> Linear(1, bias=False), (length, 1)),
        Architecture("low rank", low_rank(4, 1), (length,)),
    ]
    return {item.name: item for item in found}


def _layers() -> tuple[Any, Any]:
    """A linear recurrence, and a matrix of low rank on the values laid out in rows."""

    class LinearRecurrence(Layer):
        hidden: Dim
        equation = """
            h[t, o] = W[o, f]*x[t, f] + U[o, p]*h[t-1, p]
            y[o] = h[size(t)-1, o]
            where o < hidden
        """

    class LowRankReadout(Layer):
        rows: Dim
        rank: Dim
        equation = """
            y[k] = A[r, i] * B[r, j] * x[(i, j)]
            where k < 1, r < rank, i < rows
        """

    return LinearRecurrence, LowRankReadout


@dataclass(frozen=True)
class Fit:
    """An architecture fitted to a task.

    Attributes
    ----------
    architecture : Architecture
    task : Task
    predictor : array
        w after the fit.
    excess : float
        How much more it loses than the best linear predictor.
    parameters, total : int
        Of weights, and of independent ones after the fit.
    spatial : array
        The capacity of each past value, the latest last.
    """

    architecture: Architecture
    task: Task
    predictor: NDArray[Any]
    excess: float
    parameters: int
    total: int
    spatial: NDArray[Any]

    @property
    def loss(self) -> float:
        return self.task.least_loss + self.excess

    @property
    def explained(self) -> float:
        """The share of what can be explained that the fit explains: 1 for the best linear predictor, 0 for none."""
        return 1 - self.excess / (self.task.variance - self.task.least_loss)

    @property
    def unmet(self) -> float:
        """The share of what the task needs that lies where the allocation has no capacity for it: ``sum needs (1 - kappa)``."""
        return float((self.task.needs * (1 - self.spatial)).sum())


class Predictor:
    """w and ``dw/dtheta`` as functions of the flat weights, for small networks: dense, the places of entries found once."""

    def __init__(self, architecture: Architecture, seed: int = 0):
        from ....algebra.linear.network_maps import LinearNetwork

        self.tape = tape = LinearNetwork(architecture.net, architecture.shape, seed)
        self.unit = tape._unit(architecture.output)
        self.start = np.concatenate([np.asarray(tape.tensors[name], float).ravel() for name in tape.columns])
        if any(step.derivatives and step.weights is None for step in tape.steps):
            raise UnsupportedError(f"{architecture.name} has weights that are made of weights; fit it by other means")

    def __call__(self, flat: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        sizes, steps = self.tape.sizes, self.tape.steps
        reached: list[Any] = [np.zeros((size, sizes[0])) for size in sizes]
        reached[0] = np.eye(sizes[0])
        values = []
        for step in steps:
            factors = [flat[places] for places in step.weights or ()]
            entries = step.scale * np.prod(factors, axis=0) if factors else step.matrix.tocsr()[step.rows, step.columns]
            values.append((entries, factors))
            np.add.at(
                reached[step.target], step.rows, np.asarray(entries)[:, None] * reached[step.source][step.columns]
            )
        back: list[Any] = [np.zeros(size) for size in sizes]
        back[self.tape.output] = self.unit
        jacobian = np.zeros((len(flat), sizes[0]))
        for step, (entries, factors) in zip(reversed(steps), reversed(values), strict=True):
            here = back[step.target][step.rows]
            for number, places in enumerate(step.weights or ()):
                rest = [factor for other, factor in enumerate(factors) if other != number]
                slope = here * step.scale * (np.prod(rest, axis=0) if rest else 1.0)
                np.add.at(jacobian, places, slope[:, None] * reached[step.source][step.columns])
            np.add.at(back[step.source], step.columns, np.asarray(entries) * here)
        return back[0], jacobian.T


def fit(architecture: Architecture, task: Task, *, starts: int = 2, evaluations: int = 25, seed: int = 0) -> Fit:
    """Fit an architecture to a task by least squares, from several random starts, and allocate its capacity there.

    Parameters
    ----------
    architecture : Architecture
    task : Task
    starts : int
        The best of so many.
    evaluations : int
        The most evaluations of a start.
    seed : int
    """
    from scipy.optimize import least_squares

    from ....algebra.capacity.allocation.of_jacobian import allocate

    root = np.linalg.cholesky(task.covariance).T
    best: Any = None
    for number in range(starts):
        predictor = Predictor(architecture, seed + number)
        cache: dict[bytes, Any] = {}

        def at(flat: Any, predictor: Predictor = predictor, cache: dict[bytes, Any] = cache) -> Any:
            key = flat.tobytes()
            if key not in cache:
                cache.clear()
                cache[key] = predictor(flat)
            return cache[key]

        found = least_squares(
            lambda flat, at=at: root @ (at(flat)[0] - task.wiener),
            predictor.start,
            jac=lambda flat, at=at: root @ at(flat)[1],
            max_nfev=evaluations,
        )
        if best is None or found.cost < best[0]:
            best = (found.cost, found.x, predictor)
    _, flat, predictor = best
    weights, jacobian = predictor(flat)
    allocation = allocate(jacobian, tolerance=1e-7)
    return Fit(
        architecture, task, weights, task.excess(weights), len(flat), allocation.total, allocation.spatial.reshape(-1)
    )


def compare(length: int = LENGTH, tasks: Any = None, names: Any = None, **options: Any) -> list[Fit]:
    """All fits of the architectures to the tasks.

    Parameters
    ----------
    length : int
    tasks, names : sequence of str, optional
        Some of the tasks and architectures only.
    **options
        Of `fit`.

    Raises
    ------
    FieldError
        For a name that is not known.
    """
    known = architectures(length)
    for what, given, there in (("task", tasks, TASKS), ("architecture", names, known)):
        for name in given or ():
            if name not in there:
                raise FieldError(f"there is no {what} {name!r}; there are {', '.join(there)}")
    return [fit(known[name], TASKS[task](length), **options) for task in tasks or TASKS for name in names or known]
