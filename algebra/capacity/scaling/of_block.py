"""`scaling_exponent` of a block: how its weights must shrink for its capacity propagation to have a limit.

What is repeated is read from the block. A residual block is repeated over the depth, a recurrence over the steps of its
memory, the terms of a sum over the width of a layer.

>>> from layeralgebra import Conv, Identity, Linear, RNN, dims, scaling_exponent
>>> scaling_exponent(Identity() + Conv(1, 3, padding=1), on=(1, 32)).exponent
1/2
>>> n = dims("n")
>>> scaling_exponent(Linear(n), on=(n,)).variance
1/n
>>> scaling_exponent(RNN(8), on=(100, 8)).mean_lag
epsilon**(-2)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sympy import Dummy, Expr, Integer, Mul, Symbol, sympify

from ...equations.heads import Apply, Constant, Head, Plus, Read, Times, reads
from ...equations.instance import Instance
from ...errors import UnsupportedError
from ...linear.monomials import COEFFICIENT, LINEAR, expand, kinds_of_tensors
from ...linear.network_maps import activates
from ...networks.carrier import Evaluation, ShapeCarrier
from ...networks.evaluator import evaluate_network
from ...networks.layer import Layer
from ...networks.network import Add, Network, Series, Shared, as_network
from ..propagation.walks import Walk, WalkCarrier
from .decoupling import decoupling
from .deep_limit import DeepLimit
from .laws import MemoryScaling, Scaling, Verdict, WidthScaling, memory_scaling, width_scaling
from .laws import propagation_moments as moments_of
from .laws import scaling_exponent as exponent_of_moments

if TYPE_CHECKING:
    from .deep_limit import DeepLimit

OVER = {"depth": "residual blocks", "memory": "steps of a recurrence", "width": "terms of a sum"}


@dataclass(frozen=True)
class BlockScaling:
    """How the weights of a block scale.

    Attributes
    ----------
    over : str
        What is repeated: ``depth``, ``memory`` or ``width``.
    scaling : Scaling
        With the moment that decides, leading terms and limits.
    at_exponent : Verdict or None
        What happens at the exponent that was asked about.
    detail : WidthScaling, MemoryScaling or None
    """

    over: str
    scaling: Scaling
    at_exponent: Verdict | None = None
    detail: WidthScaling | MemoryScaling | None = None

    kind = "conjecture"

    @property
    def source(self) -> str:
        return self.scaling.source

    @property
    def exponent(self) -> Expr | None:
        """alpha in ``eps = c L^-alpha``: the one that is asked about, or the one that gives a limit."""
        return self.scaling.exponent if self.at_exponent is None else self.at_exponent.exponent

    @property
    def verdict(self) -> str:
        """``converges``, ``shatters`` or ``vanishes``, at that exponent."""
        return self.scaling.verdict if self.at_exponent is None else self.at_exponent.verdict

    @property
    def deciding(self) -> str | None:
        """The moment that decides."""
        return self.scaling.deciding if self.at_exponent is None else self.at_exponent.deciding

    @property
    def limits(self) -> Mapping[str, Expr]:
        return self.scaling.limits

    @property
    def variance(self) -> Expr:
        """Of a weight, for which a signal keeps its size through any number of layers."""
        if not isinstance(self.detail, WidthScaling):
            raise UnsupportedError("a variance of the weights is derived for layers without a residual connection")
        return self.detail.variance

    @property
    def mean_lag(self) -> Expr:
        """The mean number of steps that capacity goes back."""
        if not isinstance(self.detail, MemoryScaling):
            raise UnsupportedError("a mean lag is that of a recurrence")
        return self.detail.mean_lag


def scaling_exponent(
    block: Network,
    exponent: Any = None,
    on: Any = None,
    *,
    taps: Mapping[str, Any] | None = None,
    bias: Any = 1,
    axis: int = 0,
) -> BlockScaling:
    """The exponent with which the weights of a block must shrink with the number of its copies, derived.

    All learned weights and biases are multiplied by an amplitude eps; the moments of what one copy does to capacity
    (drift, variance, leak) are expanded for small eps; eps = c L^-alpha has a limit that is finite and not zero where
    the largest of them is of order one over L.

    Parameters
    ----------
    block : Network
        ``Identity() + branch``, a recurrent layer, or a layer without a residual connection.
    exponent : number, optional
        Asks what happens at this one instead.
    on : shape, optional
    taps : mapping of str to nested sequence, optional
        Kernels with numbers or symbols, as for `capacity_propagation`.
    bias : number or Expr
        The squared bias of layers that have one, relative to what their weights bring.
    axis : int
        Along which capacity moves.

    Returns
    -------
    BlockScaling

    Raises
    ------
    FieldError
        If `block` is no network.
    ShapeError
        If nothing enters it, or sizes do not fit.
    UnsupportedError
        If no law is known for a block of this form.

    References
    ----------
    Donier, "Scaling up deep neural networks: a capacity allocation perspective", arXiv 1903.04455 (2019).
    Reconstruction.

    Examples
    --------
    >>> from layeralgebra import Conv, Identity, scaling_exponent
    >>> block = Identity() + Conv(1, 3, padding=1, bias=False)
    >>> scaling_exponent(block, "1/4", on=(1, 9)).verdict, scaling_exponent(block, 1, on=(1, 9)).verdict
    ('shatters', 'vanishes')
    """
    as_network(block, "la.scaling_exponent")
    asked = None if exponent is None else _exponent(exponent)
    amplitude = Symbol("epsilon", positive=True)
    instances = _instances(block, on)
    recurrent = [instance for instance in instances if instance.recurrent]
    if recurrent:
        if len(instances) != 1:
            raise UnsupportedError("the scaling with the memory is that of one recurrent layer")
        memory = memory_scaling(amplitude)
        return BlockScaling("memory", memory.scaling, None if asked is None else memory.scaling.at(asked), memory)
    if not _residual(block):
        width = _width(instances)
        return BlockScaling("width", width.scaling, None if asked is None else width.scaling.at(asked), width)
    carrier = WalkCarrier(taps or {}, bias, amplitude)
    found: Walk = evaluate_network(block, carrier, on).value
    moments = _moments(found, axis)
    scaling = exponent_of_moments(moments, amplitude)
    return BlockScaling("depth", scaling, None if asked is None else scaling.at(asked))


def _exponent(given: Any) -> Expr:
    from fractions import Fraction

    if isinstance(given, str):
        given = Fraction(given)
    if isinstance(given, float):
        given = Fraction(given).limit_denominator(10**6)
    return sympify(given)


def _moments(found: Walk, axis: int) -> dict[str, Expr]:
    if (
        found.kernel is not None
        and found.kernel.rank == 1
        and all(part.is_number for offset in found.kernel.shares for part in offset)
    ):
        variable = Dummy("z", positive=True)
        return moments_of(found.kernel.generating_function(variable), variable)
    if found.spreads:
        spread = found.spreads[axis]
        return {"drift": spread.mean * spread.mass, "variance": spread.variance, "leak": (1 - spread.mass).cancel()}
    # Without positions, what a branch takes over from the identity is all that changes from copy to copy.
    strength = found.strength
    return {"share": ((strength - 1) / strength).cancel()}


def _residual(block: Network) -> bool:
    if isinstance(block, Shared):
        return _residual(block.body)
    if isinstance(block, Series):
        return any(_residual(part) for part in block.parts)
    return isinstance(block, Add) and any(branch.is_identity or _free_of_weights(branch) for branch in block.branches)


def _free_of_weights(branch: Network) -> bool:
    layers = [branch] if isinstance(branch, Layer) else list(branch.atoms(Layer))
    return all(layer.is_identity for layer in layers)


def _instances(block: Network, on: Any) -> list[Instance]:
    evaluation: Evaluation[None] = evaluate_network(block, ShapeCarrier(), on)
    return [term.site.instance for term in evaluation.terms if term.site.instance is not None]


def _width(instances: list[Instance]) -> WidthScaling:
    """Xavier's rule for the one layer with weights, and the activation around it."""
    weighted = [instance for instance in instances if instance.weights()]
    if len(weighted) != 1:
        raise UnsupportedError(
            "the scaling with the width is that of one layer with weights; pass it alone, or with an activation"
        )
    active = [instance for instance in instances if activates(instance)]
    energy: Expr = Integer(1)
    if active:
        from .gaussian_integrals import gaussian_mean

        variable = Symbol("x", real=True)
        energy = gaussian_mean(_formula(active[0].statements[0].value, variable) ** 2, variable)
    return width_scaling(fan_in(weighted[0]), energy)


def fan_in(instance: Instance) -> Expr:
    """The number of terms that one output sums: the extents of the indices that a product of weight and input is summed over."""
    kinds = kinds_of_tensors(instance)
    counts = [
        Mul(*(instance.extents[place][index] for index in monomial.sums))
        for place, statement in enumerate(instance.statements)
        if any(kinds[read.tensor] == COEFFICIENT for read in reads(statement.value))
        for monomial in expand(statement.value, lambda name: kinds[name], str(instance.layer))
        if any(kinds[read.tensor] == LINEAR for read in monomial.reads)
        and any(kinds[read.tensor] == COEFFICIENT for read in monomial.reads)
    ]
    if len(counts) != 1:
        raise UnsupportedError(f"{instance.layer}: no single sum of products of weights and inputs")
    return counts[0]


def _formula(head: Head, variable: Symbol) -> Expr:
    """An elementwise head as an expression of one variable."""
    from sympy import Abs, Max, Min, Pow, cos, erf, exp, log, sin, sqrt, tanh

    made = {
        "relu": lambda a: Max(0, a), "abs": Abs, "max": Max, "min": Min, "exp": exp, "log": log, "sqrt": sqrt, "tanh": tanh,
        "sigmoid": lambda a: 1 / (1 + exp(-a)), "erf": erf, "sin": sin, "cos": cos, "softplus": lambda a: log(1 + exp(a)),
        "divide": lambda a, b: a / b, "power": Pow,
    }  # fmt: skip
    if isinstance(head, Constant):
        return head.value
    if isinstance(head, Read):
        return variable
    if isinstance(head, Plus):
        return sum((_formula(term, variable) for term in head.terms), Integer(0))
    if isinstance(head, Times):
        return Mul(*(_formula(factor, variable) for factor in head.factors))
    if isinstance(head, Apply):
        return made[head.function](*(_formula(argument, variable) for argument in head.arguments))
    raise UnsupportedError(f"{type(head).__name__} is no function of one number")


def activation_decoupling(layer: Network) -> Any:
    """The decoupling ``D(f) = 1 - (E f')^2 / E f'^2`` of an activation, from its equation.

    Parameters
    ----------
    layer : Layer
        An activation, a function of single numbers.

    Returns
    -------
    Decoupling

    Raises
    ------
    FieldError
        If it is no layer.
    UnsupportedError
        If it is no function of single numbers.

    Notes
    -----
    The measure is a reconstruction of our own: the capacity papers speak of decoupled networks and give no such number.

    Examples
    --------
    >>> from layeralgebra import Abs, ReLU, activation_decoupling
    >>> activation_decoupling(ReLU()).value, activation_decoupling(Abs()).value
    (1/2, 1)
    """
    (instance,) = _instances(layer, (2,))
    if not activates(instance):
        raise UnsupportedError(f"{layer} is no function of single numbers")
    variable = Symbol("x", real=True)
    return decoupling(_formula(instance.statements[0].value, variable), variable)


def capacity_deep_limit(
    block: Network, constant: Any, on: Any = None, *, taps: Mapping[str, Any] | None = None, bias: Any = 0
) -> "DeepLimit":
    """The continuous limit of so many copies of ``Identity() + branch``, the branch scaled by ``c / sqrt(L)``.

    Parameters
    ----------
    block : Network
    constant : number or Expr
        c.
    on, taps, bias
        As for `capacity_propagation`.

    Returns
    -------
    DeepLimit
        With ``generator``, ``drift``, ``diffusion``, ``variance``, ``forward_equation`` and the ``error`` of a finite depth.

    Raises
    ------
    FieldError
        If `block` is no network.
    ShapeError
        If nothing enters it, or sizes do not fit.
    UnsupportedError
        If it is not ``Identity() + branch``, the branch has no such weights, or its kernels are not literal and along
        one axis.

    Examples
    --------
    >>> from sympy import Rational
    >>> from layeralgebra import Conv, Identity, capacity_deep_limit
    >>> kernel = [[[[Rational(1, 2), Rational(7, 10), Rational(1, 2)]]]]
    >>> limit = capacity_deep_limit(Identity() + Conv(1, 3, padding=1, bias=False), 3, on=(1, 9), taps={"1.W": kernel})
    >>> limit.variance(), limit.drift
    (9/2, 0)

    References
    ----------
    Donier, "Capacity allocation through neural network layers", arXiv 1902.08572 (2019). Reconstruction.
    """
    as_network(block, "la.capacity_deep_limit")
    if (
        not isinstance(block, Add)
        or sum(branch.is_identity for branch in block.branches) != 1
        or len(block.branches) != 2
    ):
        raise UnsupportedError("the deep limit is that of a block Identity() + branch")
    place = next(number for number, branch in enumerate(block.branches) if not branch.is_identity)
    below = {}
    for name, values in (taps or {}).items():
        if not name.startswith(f"{place}."):
            raise UnsupportedError(f"the branch of this block has no weights {name}; they begin with {place}.")
        below[name.removeprefix(f"{place}.")] = values
    found = evaluate_network(block.branches[place], WalkCarrier(below, bias), on).value
    if found.kernel is None or found.kernel.rank != 1:
        raise UnsupportedError("the deep limit needs a branch of literal kernels along one axis")
    return DeepLimit(found.kernel, sympify(constant, strict=True))
