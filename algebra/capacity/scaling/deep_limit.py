r"""The limit of infinitely many residual layers: a jump process, and the diffusion that approximates it.

For L blocks ``x + eps f(conv x)`` with ``eps = c / sqrt(L)`` one layer hands capacity on by
``T(z) = (1 + eps^2 s q(z)) / (1 + eps^2 s)``. Its leading term gives the generator ``G = lim L (T - 1)``, and

* ``T^L -> exp(t G)``: jumps at the rate ``c^2 s``, distributed like q; with a bias, some end in it;
* the Kramers-Moyal expansion ``G = sum_n D_n d^n``, ``D_n = lim L sum_i i^n T_i / n!``; cut after two terms it is the
  diffusion ``d_t kappa = -v d_x kappa + D d_x^2 kappa``, right at large scales only.

>>> from sympy import Rational, symbols
>>> w, v, c = symbols("w v c", positive=True)
>>> limit = DeepLimit.of_block([w, v, w], c)
>>> limit.drift, limit.diffusion, limit.variance()
(0, c**2*w**2, 2*c**2*w**2)
>>> limit.rate
c**2*(v**2 + 2*w**2)

References
----------
Donier, J. (2019). Capacity allocation through neural network layers. arXiv:1902.08572. Reconstruction.
Le Cam, L. (1960). An approximation theorem for the Poisson binomial distribution. Pacific J. Math. 10.
Barbour, A. D., Hall, P. (1984). On the rate of Poisson convergence. Math. Proc. Camb. Phil. Soc. 95.
Adell, J. A., Jodra, P. (2006). Exact Kolmogorov and total variation distances between some familiar discrete
distributions. J. Inequal. Appl. 64307.
Risken, H. (1996). The Fokker-Planck equation, ch. 4. Springer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import (
    Add,
    Derivative,
    Dummy,
    Eq,
    Expr,
    Function,
    Integer,
    Symbol,
    diff,
    exp,
    factor_terms,
    factorial,
    sympify,
    together,
)

from ...arguments import checked, shown
from ...errors import DomainError, FieldError, UnsupportedError
from ...formulas.records import as_scalar
from ...records import dataclass
from ..propagation.generating_functions import KernelWalk
from ..propagation.transitions import SOURCE, _cancelled
from .laws import leading_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

FARTHEST = 10**7
"""Positions from the start of a walk that a distribution is given at."""
HIGHEST_ORDER = 12
"""Of an equation that is written out."""


@dataclass(frozen=True)
class LimitError:
    """How far the propagation through finitely many layers is from its limits, in total variation.

    Attributes
    ----------
    jump : float
        Between the L layers and the jump semigroup, measured.
    bound : float
        An upper bound of it. With ``p = eps^2 s / (1 + eps^2 s)``, a binomial number of moves is within ``min(p, L
        p^2)`` of a Poisson one (Barbour, Hall, Le Cam), and that within ``min(|r - m|, sqrt(2/e) |sqrt r - sqrt m|)``
        of the one at the limiting rate, ``r = c^2 s``, ``m = L p`` (Adell, Jodra).
    diffusion : float
        Between the L layers and the diffusion, measured on unit cells.
    jump_to_diffusion : float
        Between the two limits: what no depth removes.
    """

    depth: int
    jump: float
    bound: float
    diffusion: float
    jump_to_diffusion: float


@dataclass(frozen=True)
class DeepLimit:
    """The continuous limit of residual blocks, along one axis.

    Attributes
    ----------
    walk : KernelWalk
        Of the branch, with its strength ``s = b^2 + ||w||^2``.
    constant : sympy.Expr
        c in ``eps = c / sqrt(L)``.
    """

    walk: KernelWalk
    constant: Expr

    kind = "asymptotic"
    source = SOURCE

    @classmethod
    @checked
    def of_block(cls, taps: Sequence[Any], constant: Any, bias: Any = 0) -> DeepLimit:
        """The limit of blocks ``x + eps f(conv x + b)`` with these taps."""
        walk = KernelWalk.from_taps(taps, bias=bias)
        if walk.rank != 1:
            raise UnsupportedError("the deep limit is along one axis; take the shares of one axis at a time")
        return cls(walk, as_scalar(constant, "DeepLimit.of_block").body)

    @staticmethod
    def _within(reach: int) -> int:
        """How far from the start positions are looked at, if that is not too far."""
        if not 0 <= reach <= FARTHEST:
            raise FieldError(f"reach must be a number of positions up to {FARTHEST}, got {reach}")
        return reach

    @checked
    def generator(self, variable: Expr) -> Expr:
        """``G(z) = lim L (T(z) - 1)``, from the leading term of one layer in eps."""
        amplitude = Dummy("epsilon", positive=True)
        point = Dummy("z", positive=True)
        layer = self.walk.residual(amplitude).generating_function(point)
        coefficient, power = leading_power(layer - 1, amplitude)
        if power != 2:
            if coefficient == 0:
                return Integer(0)
            raise UnsupportedError(f"this block has no limit at eps = c / sqrt(L): its generator is of order {power}")
        return (self.constant**2 * coefficient).subs(point, variable)

    @checked
    def kramers_moyal(self, order: int) -> Expr:
        """``D_n``, the coefficient of ``d^n`` in the expansion of the generator: ``G(exp(d)) = sum_n D_n d^n``."""
        if not 0 <= order <= 100:
            raise FieldError(f"an order is 0, 1, 2, ..., at most 100, got {shown(order)}")
        step = Dummy("d")
        variable = Dummy("z", positive=True)
        expansion = self.generator(variable).subs(variable, exp(step))
        return factor_terms(_cancelled(together(diff(expansion, step, order).subs(step, 0)) / factorial(order)))

    @property
    def drift(self) -> Expr:
        """v, the first coefficient: how far capacity moves."""
        return self.kramers_moyal(1)

    @property
    def diffusion(self) -> Expr:
        """D, the second coefficient: half the variance."""
        return self.kramers_moyal(2)

    @property
    def killing(self) -> Expr:
        """The rate at which capacity ends in biases."""
        return factor_terms(-self.kramers_moyal(0))

    @property
    def rate(self) -> Expr:
        """``c^2 s``: how many jumps, those into the bias included."""
        return self.constant**2 * self.walk.strength

    @checked
    def mean(self, time: Expr | float = 1) -> Expr:
        """Of where capacity is at a time, 1 being the whole depth; of what does not leak."""
        return self.drift * sympify(time, strict=True)

    @checked
    def variance(self, time: Expr | float = 1) -> Expr:
        """The same for the jump process and for the diffusion."""
        return 2 * self.diffusion * sympify(time, strict=True)

    @checked
    def generating_function(self, variable: Expr, time: Expr | float = 1) -> Expr:
        """``exp(t G(z))``, the jump semigroup."""
        return exp(sympify(time, strict=True) * self.generator(variable))

    @checked
    def forward_equation(self, order: int = 2) -> Eq:
        """The evolution equation, expanded to an order: two is the diffusion (Kolmogorov forward) equation."""
        if not 0 <= order <= HIGHEST_ORDER:
            raise FieldError(f"an order is 0, 1, 2, ..., at most {HIGHEST_ORDER} here, got {shown(order)}")
        place, time = Symbol("x", real=True), Symbol("t", nonnegative=True)
        density = Function("kappa")(time, place)
        terms = [self.kramers_moyal(0) * density]
        for n in range(1, order + 1):
            terms.append((-1) ** n * self.kramers_moyal(n) * Derivative(density, (place, n)))
        return Eq(Derivative(density, time), Add(*terms))

    # Numbers ---------------------------------------------------------------------------------------------------------

    def _numbers(self) -> tuple[NDArray[Any], int, float]:
        """The shares as an array, the offset of its first entry, and the rate."""
        if self.rate.free_symbols or any(share.free_symbols for share in self.walk.shares.values()):
            raise DomainError("distributions need taps and c as numbers; substitute them first")
        offsets = [int(offset[0]) for offset in self.walk.shares]
        first = min(*offsets, 0)
        shares = np.zeros(max(*offsets, 0) - first + 1)
        for (offset,), share in self.walk.shares.items():
            shares[int(offset) - first] = float(share)
        return shares, first, float(self.rate)

    def _transform(self, reach: int) -> tuple[NDArray[Any], int, float]:
        """``q`` at the points of the unit circle that resolve the positions from -reach to reach."""
        shares, first, rate = self._numbers()
        size = 2 * self._within(reach) + 1
        padded = np.zeros(size)
        for place, share in enumerate(shares):
            padded[(first + place) % size] += share
        return np.fft.fft(padded), size, rate

    @checked
    def jump_distribution(self, reach: int, time: float = 1.0) -> NDArray[Any]:
        """The jump semigroup at positions from -reach to reach; what lies beyond is folded back."""
        transform, _, rate = self._transform(reach)
        return np.roll(np.fft.ifft(np.exp(time * rate * (transform - 1))).real, reach)

    @checked
    def layer_distribution(self, depth: int, reach: int) -> NDArray[Any]:
        """``T^L`` at positions from -reach to reach, for so many layers; what lies beyond is folded back."""
        if depth < 1:
            raise FieldError(f"a depth is a number of layers, at least one, got {depth}")
        transform, _, rate = self._transform(reach)
        strength = rate / depth
        return np.roll(np.fft.ifft(((1 + strength * transform) / (1 + strength)) ** depth).real, reach)

    @checked
    def diffusion_distribution(self, reach: int, time: float = 1.0) -> NDArray[Any]:
        """The diffusion at time t, on unit cells around the positions from -reach to reach."""
        from scipy.special import ndtr

        mean, variance = float(self.mean(time)), float(self.variance(time))
        if variance == 0:
            raise DomainError("a walk that does not move has no diffusion")
        edges = np.arange(-self._within(reach), reach + 2) - 0.5
        return np.exp(-float(self.killing) * time) * np.diff(ndtr((edges - mean) / variance**0.5))

    @checked
    def error(self, depth: int, reach: int | None = None) -> LimitError:
        """How far a number of layers is from the limits.

        Parameters
        ----------
        depth : int
        reach : int, optional
            Positions looked at on both sides; by default enough for twelve standard deviations of everything.
        """
        shares, first, rate = self._numbers()
        width = max(len(shares) + first - 1, -first, 1)
        if reach is None:
            reach = int(abs(float(self.mean())) + 12 * float(self.variance()) ** 0.5 + 40 * width)
        layers, jumps = self.layer_distribution(depth, reach), self.jump_distribution(reach)
        diffusion = self.diffusion_distribution(reach)
        moved = rate / depth / (1 + rate / depth)
        mean = depth * moved
        rates = min(abs(rate - mean), (2 / np.e) ** 0.5 * abs(rate**0.5 - mean**0.5))
        bound = min(1.0, min(moved, depth * moved**2) + rates)

        def distance(one: NDArray[Any], two: NDArray[Any]) -> float:
            # Half the sum of differences, what leaked or lies outside counted as one more place.
            return float((np.abs(one - two).sum() + abs(one.sum() - two.sum())) / 2)

        return LimitError(
            depth, distance(layers, jumps), bound, distance(layers, diffusion), distance(jumps, diffusion)
        )
