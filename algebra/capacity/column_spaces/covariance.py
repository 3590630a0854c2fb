"""Square roots of input covariances: a matrix, or a stationary kernel on a grid of any rank.

Coloured inputs are whitened by the symmetric square root, so that whitened coordinate i stays as close as possible to
input i (no other root changes the inputs less). Small covariances are diagonalised. A large stationary one is never
formed: a root that decays is a band with two corners, and one that does not is a Chebyshev polynomial of the
covariance, applied by fast Fourier transforms.

>>> import numpy as np
>>> root = covariance_root(ar1(0.5), 3)
>>> gamma = root.apply(root.apply(np.eye(3)))
>>> [round(float(value), 9) for value in gamma[0]]
[1.0, 0.5, 0.25]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arguments import answer_of, as_array, shown
from ...errors import BudgetError, FieldError, UnsupportedError
from ..arguments import reals

if TYPE_CHECKING:
    from numpy.typing import NDArray

DENSE_INPUTS = 2500
"""Up to this many inputs a covariance is diagonalised."""

Kernel = Callable[..., Any]
"""Covariance of two inputs as a function of the (array of) lags between them, one argument for each axis."""


def ar1(correlation: float) -> Kernel:
    """The kernel ``rho^|lag|`` of a first-order autoregressive sequence of unit variance."""
    if not -1 < correlation < 1:
        raise FieldError(
            f"an AR(1) sequence is stationary for a correlation between -1 and 1, got {shown(correlation)}"
        )
    return lambda lag: correlation ** abs(lag)


def power_law(exponent: float) -> Kernel:
    """The long-memory kernel ``(1 + |lag|)^-exponent``; convex in the lag, hence a covariance in one dimension."""
    if not exponent > 0:
        raise FieldError(f"a power law decays for an exponent above 0, got {shown(exponent)}")
    return lambda lag: (1.0 + abs(lag)) ** -exponent


def periodic(period: float, memory: float, nugget: float = 1e-3) -> Kernel:
    """A damped oscillation ``exp(-|lag|/memory) cos(2 pi lag/period)``, with a share `nugget` of white noise."""
    if not (period > 0 and memory > 0 and 0 <= nugget <= 1):
        raise FieldError("a periodic kernel needs a period and a memory above 0, and a nugget from 0 to 1")

    def kernel(lag: Any) -> Any:
        wave = np.exp(-np.abs(lag) / memory) * np.cos(2 * np.pi * lag / period)
        return (1 - nugget) * wave + nugget * (lag == 0)

    return kernel


def mixture(*weighted: tuple[float, Kernel]) -> Kernel:
    """A sum of kernels with positive weights, such as a short and a long scale."""
    if not weighted or any(not weight > 0 for weight, _ in weighted):
        raise FieldError("a mixture of kernels needs pairs (weight, kernel) with positive weights")
    return lambda *lag: sum(weight * kernel(*lag) for weight, kernel in weighted)


class MatrixRoot:
    """The symmetric square root of a small covariance matrix, held; `rank` eigenvalues are clear of zero."""

    def __init__(self, covariance: Any):
        gamma = reals(covariance, "a covariance")
        if gamma.ndim != 2 or gamma.shape[0] != gamma.shape[1]:
            raise FieldError(f"a covariance is a square matrix, got the shape {gamma.shape}")
        if gamma.shape[0] > 4 * DENSE_INPUTS:
            raise BudgetError(
                f"a covariance matrix of {gamma.shape[0]} inputs is too large to diagonalise "
                f"(limit {4 * DENSE_INPUTS}); give a stationary kernel, a function of the lag"
            )
        size = float(np.abs(gamma).max(initial=0.0))
        if not np.isfinite(size) or np.abs(gamma - gamma.T).max(initial=0.0) > 1e-10 * size:
            raise FieldError("a covariance matrix must be finite and symmetric")
        values, vectors = np.linalg.eigh(gamma)
        if len(values) and values[0] < -1e-10 * max(values[-1], 0.0):
            raise FieldError(f"a covariance has no negative eigenvalue, found {values[0]:.3g} beside {values[-1]:.3g}")
        # Eigenvalues are found up to rounding of the largest: what is not clear of that counts as zero.
        doubt = max(1e-14, 4 * len(values) * 2.0**-52) * float(values[-1]) if len(values) else 0.0
        self.rank = int((values > doubt).sum())
        values = np.where(values > doubt, values, 0.0)
        self.lowest, self.highest = (float(values[0]), float(values[-1])) if len(values) else (0.0, 0.0)
        self.matrix = (vectors * np.sqrt(values)) @ vectors.T

    @property
    def definite(self) -> bool:
        """Whether all eigenvalues are surely above zero."""
        return self.rank == len(self.matrix)

    def apply(self, block: Any) -> NDArray[Any]:
        """``Gamma^(1/2) B`` for a dense or sparse B, dense."""
        product = self.matrix @ (block.toarray() if hasattr(block, "toarray") else block)
        return np.asarray(product)


class StationaryCovariance:
    """A stationary covariance on a grid, applied by embedding it in a periodic one of twice the extent."""

    def __init__(self, kernel: Kernel, grid: tuple[int, ...]):
        self.grid = grid
        self.inputs = int(np.prod(grid))
        lags = np.meshgrid(
            *[np.minimum(np.arange(2 * n), 2 * n - np.arange(2 * n)) * _side(n) for n in grid], indexing="ij"
        )
        what = f"a stationary kernel, a function of arrays of lags, one for each of {len(grid)} axes"
        self.first = as_array(answer_of(kernel, what, *lags), "what a stationary kernel gives")
        if self.first.shape != lags[0].shape or not np.all(np.isfinite(self.first)):
            raise FieldError("a stationary kernel maps arrays of lags, one for each axis, to finite covariances")
        mirrored = as_array(answer_of(kernel, what, *[-lag for lag in lags]), "what a stationary kernel gives")
        if mirrored.shape != self.first.shape or not np.allclose(self.first, mirrored, rtol=1e-12, atol=1e-12):
            raise FieldError("a stationary kernel has equal values at a lag and at its opposite")
        symbol = np.fft.fftn(self.first)
        self.symbol = symbol.real
        # By Cauchy interlacing the eigenvalues on the grid lie between those of the periodic embedding.
        self.lowest, self.highest = float(self.symbol.min()), float(self.symbol.max())

    def apply(self, block: NDArray[Any]) -> NDArray[Any]:
        """``Gamma B``."""
        axes = tuple(range(len(self.grid)))
        padded = np.fft.rfftn(block.reshape(*self.grid, -1), s=tuple(2 * n for n in self.grid), axes=axes)
        half = self.symbol[..., : padded.shape[len(self.grid) - 1]]
        turned = np.fft.irfftn(padded * half[..., None], s=tuple(2 * n for n in self.grid), axes=axes)
        return np.asarray(turned[tuple(slice(n) for n in self.grid)].reshape(block.shape))

    def dense(self) -> NDArray[Any]:
        """The covariance matrix."""
        return self.apply(np.eye(self.inputs))


def _side(extent: int) -> Any:
    """+1 for the lags of the first half of a period, -1 for those of the second."""
    return np.where(np.arange(2 * extent) <= extent, 1, -1)


class BandRoot:
    """The root of a large 1-D stationary covariance whose root decays: the same row all along, and two corners.

    Rows far from both ends do not feel them, so they are shifts of one row, which a section of moderate length shows;
    the corners are read from the same section. Refused unless the square of the result gives the covariance back.
    """

    def __init__(self, covariance: StationaryCovariance, kernel: Kernel, section: int):
        import scipy.sparse as sp

        (inputs,) = covariance.grid
        small = MatrixRoot(StationaryCovariance(kernel, (section,)).dense()).matrix
        middle, corner = section // 2, section // 4
        row = small[middle]
        reach = max(1, int(np.max(np.abs(np.flatnonzero(np.abs(row) > 1e-15 * row[middle]) - middle))))
        if reach >= corner:
            raise _TooWide
        values = row[middle - reach : middle + reach + 1]
        offsets = np.arange(-reach, reach + 1)
        band = sp.diags_array(list(values), offsets=list(offsets), shape=(inputs, inputs)).tolil()
        top = small[:corner, : corner + reach]
        band[:corner, : corner + reach] = np.where(np.abs(top) > 1e-15 * row[middle], top, 0.0)
        band[inputs - corner :, inputs - corner - reach :] = band[:corner, : corner + reach].toarray()[::-1, ::-1]
        self.matrix = band.tocsr()
        probe = np.random.default_rng(0).standard_normal((inputs, 4))
        error = np.abs(self.matrix @ (self.matrix @ probe) - covariance.apply(probe)).max()
        if error > 1e-11 * covariance.highest:
            raise _TooWide

    def apply(self, block: Any) -> Any:
        """``Gamma^(1/2) B``, sparse if B is."""
        return self.matrix @ block


class _TooWide(Exception):
    """The root of a covariance does not decay within the section looked at."""


class ChebyshevRoot:
    """The root of a large stationary covariance as a polynomial of it, to about 1e-12."""

    def __init__(self, covariance: StationaryCovariance):
        from scipy.fft import dct

        low, high = covariance.lowest, covariance.highest
        if low <= 1e-6 * high:
            raise UnsupportedError(
                f"this stationary covariance of {covariance.inputs} inputs is too close to singular (its spectrum "
                f"reaches from {low:.3g} to {high:.3g}) for its root to be computed without its matrix; add white "
                f"noise to the kernel, or ask for at most {DENSE_INPUTS} inputs"
            )
        self.covariance = covariance
        self.middle, self.half = (high + low) / 2, max((high - low) / 2, 1e-300)
        degree = 32
        while True:
            nodes = np.cos(np.pi * (np.arange(degree) + 0.5) / degree)
            values = np.sqrt(self.middle + self.half * nodes)
            weights = dct(values) / degree
            weights[0] /= 2
            if np.abs(weights[-max(degree // 8, 2) :]).max() <= 1e-14 * high**0.5:
                break
            degree *= 2
        self.weights = weights[: int(np.flatnonzero(np.abs(weights) > 1e-14 * high**0.5)[-1]) + 1]

    def apply(self, block: Any) -> NDArray[Any]:
        """``Gamma^(1/2) B``, dense."""
        block = np.asarray(block.toarray() if hasattr(block, "toarray") else block, dtype=float)

        def step(vector: NDArray[Any]) -> NDArray[Any]:
            return (self.covariance.apply(vector) - self.middle * vector) / self.half

        before, now = block, step(block)
        total = self.weights[0] * before
        if len(self.weights) > 1:
            total = total + self.weights[1] * now
        for weight in self.weights[2:]:
            before, now = now, 2 * step(now) - before
            total += weight * now
        return np.asarray(total)


def covariance_root(covariance: Any, inputs: int, grid: tuple[int, ...] | None = None) -> Any:
    """The symmetric square root of an input covariance, with a method `apply`.

    Parameters
    ----------
    covariance : matrix or callable
        An ``inputs x inputs`` covariance, or a stationary kernel: a function of the lag along each axis of `grid`,
        which takes arrays.
    inputs : int
    grid : tuple of int, optional
        Extents of the axes the inputs lie on, last axis fastest; by default one axis.

    Raises
    ------
    FieldError
        If it is no covariance, or does not fit the inputs.
    UnsupportedError
        If there are too many inputs for a covariance this close to singular.
    """
    if not callable(covariance):
        root = MatrixRoot(covariance)
        if root.matrix.shape[0] != inputs:
            raise FieldError(f"a covariance of {root.matrix.shape[0]} inputs does not fit a Jacobian of {inputs}")
        return root
    grid = (inputs,) if grid is None else tuple(int(extent) for extent in grid)
    if int(np.prod(grid)) != inputs:
        raise FieldError(f"a grid {grid} has {int(np.prod(grid))} points, the Jacobian {inputs} inputs")
    stationary = StationaryCovariance(covariance, grid)
    if inputs <= DENSE_INPUTS:
        return MatrixRoot(stationary.dense())
    if len(grid) == 1:
        for section in (512, 1024, 2048):
            if 2 * section <= inputs:
                try:
                    return BandRoot(stationary, covariance, section)
                except _TooWide:
                    continue
    return ChebyshevRoot(stationary)
