"""`scaling_exponent` of a block: how its weights must shrink for its capacity propagation to have a limit.

What is repeated is read from the block. A residual block is repeated over the depth, a recurrence over the steps of its
memory, the terms of a sum over the width of a layer. A branch goes as the product of the amplitudes of all its layers
that are scaled: with m of them, the exponent is ``1/(2 m)``.

>>> from layeralgebra import Conv, Identity, Linear, ReLU, RNN, dims, scaling_exponent
>>> conv = Conv(1, 3, padding=1, bias=False)
>>> scaling_exponent(Identity() + conv, on=(1, 32)).exponent
1/2
>>> block = Identity() + (conv >> ReLU() >> conv)
>>> scaling_exponent(block, on=(1, 32)).exponent, scaling_exponent(block, on=(1, 32), scaled="last").exponent
(1/4, 1/2)
>>> n = dims("n")
>>> scaling_exponent(Linear(n), on=(n,)).variance
1/n
>>> scaling_exponent(RNN(8), on=(100, 8)).mean_lag
epsilon**(-2)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from sympy import Dummy, Expr, Integer, Mul, Rational, Symbol, SympifyError, sympify

from ...arguments import checked, shown
from ...equations.heads import Apply, Head, Read, reads
from ...equations.instance import Instance
from ...errors import FieldError, UnsupportedError
from ...linear.monomials import COEFFICIENT, LINEAR, expand, kinds_of_tensors
from ...networks.carrier import Evaluation, ShapeCarrier, Site
from ...networks.evaluator import evaluate_network
from ...networks.layer import Layer
from ...networks.network import Add, Join, Network, Series, Shared, as_network
from ...records import dataclass
from ..arguments import whole
from ..propagation.elementwise import function_of, is_activation
from ..propagation.generating_functions import KernelWalk
from ..propagation.of_network import checked_bias, checked_taps, unused_taps
from ..propagation.second_moments import VARIABLE, leaving, outermost
from ..propagation.walks import Walk, WalkCarrier
from .decoupling import decoupling
from .deep_limit import DeepLimit
from .gaussian_integrals import gaussian_mean
from .laws import MemoryScaling, Scaling, Verdict, WidthScaling, memory_scaling, width_scaling
from .laws import propagation_moments as moments_of
from .laws import scaling_exponent as exponent_of_moments

if TYPE_CHECKING:
    from .decoupling import Decoupling


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
    scaled : tuple of str
        The weights that are multiplied by the amplitude, by name; ``*`` stands for the numbers of copies.
    """

    over: str
    scaling: Scaling
    at_exponent: Verdict | None = None
    detail: WidthScaling | MemoryScaling | None = None
    scaled: tuple[str, ...] = ()

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


SCALED = ("all", "first", "last")


@checked
def scaling_exponent(
    block: Network,
    exponent: Any = None,
    on: Any = None,
    *,
    taps: Mapping[str, Any] | None = None,
    bias: Any = 1,
    axis: int = 0,
    scaled: str | Collection[str] = "all",
) -> BlockScaling:
    """The exponent with which the weights of a block must shrink with the number of its copies, derived.

    Weights and biases are multiplied by an amplitude eps; the moments of what one copy does to capacity (drift, variance,
    leak, and the share that the branches take over from the identity) are expanded for small eps; eps = c L^-alpha has a limit that is finite and not zero where the largest of them is
    of order one over L. A branch brings to a sum the product of what all its layers do to second moments, so with m scaled
    layers in a row alpha is ``1/(2 m)``; of several branches that are added, the one with the fewest decides.

    Parameters
    ----------
    block : Network
        ``Identity() + branch``, with branches of any depth; a recurrent layer without gates; or one layer with weights,
        with its activations.
    exponent : number, optional
        Asks what happens at this one instead.
    on : shape, optional
    taps : mapping of str to nested sequence, optional
        Kernels with numbers or symbols, as for `capacity_propagation`.
    bias : number or Expr
        The squared bias of layers that have one, relative to what their weights bring.
    axis : int
        Along which capacity moves.
    scaled : {"all", "first", "last"} or names
        Which weights are multiplied by eps: all of them, those of the first or the last layer with weights in each branch
        of the sum, or those that are named, such as ``"1.2.W"`` (a layer's name, ``"1.2"``, stands for all its weights).

    Returns
    -------
    BlockScaling
        Its ``scaled`` names the weights that were multiplied.

    Raises
    ------
    FieldError
        If `block` is no network, the exponent is no number, there is no such axis, taps or scaled weights, or a bias is
        negative.
    ShapeError
        If nothing enters it, or sizes do not fit.
    UnsupportedError
        If no law is known for a block of this form: gated recurrences, blocks that are concatenated with their input,
        pooling without a residual connection, layers in a branch whose gain is not known.

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
    taps, bias = checked_taps(taps, "la.scaling_exponent"), checked_bias(bias, "la.scaling_exponent")
    axis = whole(axis, "an axis of positions", -99)
    sites = _sites(block, on)
    recurrent = [site for site in sites if site.instance is not None and site.instance.recurrent]
    if recurrent or not _residual(block):
        if not (isinstance(scaled, str) and scaled == "all"):
            raise UnsupportedError(
                f"which weights are scaled, {scaled!r}, is a choice for residual blocks; without a residual connection the "
                "law is that of the weights that multiply the input"
            )
        if taps:
            raise FieldError(
                f"taps are those of a residual block, Identity() + branch; got {', '.join(sorted(taps))} for {block}"
            )
    if recurrent:
        return _memory(sites, asked)
    if not _residual(block):
        return _width(block, sites, asked)
    return _depth(block, on, taps, bias, axis, scaled, asked)


def _exponent(given: Any) -> Expr:
    from fractions import Fraction

    try:
        if isinstance(given, str):
            given = Fraction(given)
        if isinstance(given, float):
            given = Fraction(given).limit_denominator(10**6)
        made = (
            Rational(given.numerator, given.denominator) if isinstance(given, Fraction) else sympify(given, strict=True)
        )
    except (ValueError, TypeError, ZeroDivisionError, OverflowError, AttributeError):
        made = None
    if not isinstance(made, Expr) or made.is_extended_real is not True or made.is_finite is not True:
        raise FieldError(f"an exponent is a real number such as 1/2 or '1/4', got {shown(given)}")
    return made


# Depth ---------------------------------------------------------------------------------------------------------------


def _depth(
    block: Network, on: Any, taps: Mapping[str, Any], bias: Expr, axis: int, scaled: Any, asked: Expr | None
) -> BlockScaling:
    small = Symbol("epsilon", positive=True)
    plain = WalkCarrier(taps, bias)
    stages = evaluate_network(block, plain, on).value.stages
    unused_taps(plain)
    if not plain.names:
        raise UnsupportedError(f"{block} has no weights, so there is nothing to scale")
    chosen = _chosen(plain.names, stages, scaled)
    carrier = WalkCarrier(taps, bias, lambda name: small if name in chosen else Integer(1), small)
    found: Walk = evaluate_network(block, carrier, on).value
    scaling = exponent_of_moments(_moments(found, axis), small)
    at = None if asked is None else scaling.at(asked)
    return BlockScaling("depth", scaling, at, None, tuple(name for name in plain.names if name in chosen))


def _chosen(names: Sequence[str], stages: Sequence[Any], scaled: Any) -> set[str]:
    if isinstance(scaled, str) and scaled in SCALED:
        if scaled == "all":
            return set(names)
        return {name for layer in outermost(stages, last=scaled == "last") for name in layer}
    asked = [scaled] if isinstance(scaled, str) else list(scaled) if isinstance(scaled, Collection) else None
    if not asked or not all(isinstance(name, str) for name in asked):
        raise FieldError(
            f"scaled is one of {', '.join(SCALED)}, or names of weights ({', '.join(names)}), got {shown(scaled)}"
        )
    found: set[str] = set()
    for one in asked:
        own = {name for name in names if one in (name, name.rpartition(".")[0])}
        if not own:
            raise FieldError(f"no weights of this block are called {one}; there are {', '.join(names)}")
        found |= own
    return found


def _moments(found: Walk, axis: int) -> dict[str, Expr]:
    rank = len(found.spreads or ())
    if axis not in ((0,) if rank == 0 else range(-rank, rank)):
        raise FieldError(f"there is no axis {axis} of positions; this block has {rank}")
    if (
        found.kernel is not None
        and found.kernel.rank == 1
        and all(part.is_number for offset in found.kernel.shares for part in offset)
    ):
        variable = Dummy("z", positive=True)
        moments = moments_of(found.kernel.generating_function(variable), variable)
    elif found.spreads:
        spread = found.spreads[axis]
        moments = {"drift": spread.mean * spread.mass, "variance": spread.variance, "leak": (1 - spread.mass).cancel()}
    else:
        moments = {}
    # What the branches take over from the identity: it mixes channels where nothing moves along positions.
    return moments if found.taken is None else {**moments, "share": found.taken}


@singledispatch
def _residual(block: Network) -> bool:
    """Whether what enters is added to what a branch makes of it."""
    return False


@_residual.register
def _in_shared(block: Shared) -> bool:
    return _residual(block.body)


@_residual.register
def _in_series(block: Series) -> bool:
    return any(_residual(part) for part in block.parts)


@_residual.register
def _in_sum(block: Add) -> bool:
    return any(branch.is_identity or _free_of_weights(branch) for branch in block.branches)


def _free_of_weights(branch: Network) -> bool:
    layers = [branch] if isinstance(branch, Layer) else list(branch.atoms(Layer))
    return all(layer.is_identity for layer in layers)


def _sites(block: Network, on: Any) -> list[Site]:
    evaluation: Evaluation[None] = evaluate_network(block, ShapeCarrier(), on)
    return [term.site for term in evaluation.terms]


# Memory --------------------------------------------------------------------------------------------------------------


def _memory(sites: Sequence[Site], asked: Expr | None) -> BlockScaling:
    if len(sites) != 1 or sites[0].instance is None:
        raise UnsupportedError("the scaling with the memory is that of one recurrent layer; pass it alone")
    weights = plain_recurrence(sites[0].instance)
    memory = memory_scaling(Symbol("epsilon", positive=True))
    at = None if asked is None else memory.scaling.at(asked)
    return BlockScaling("memory", memory.scaling, at, memory, weights)


def plain_recurrence(instance: Instance) -> tuple[str, ...]:
    """The weights of the input in ``h[t] = f(W x[t] + U h[t-1] + b)``.

    Raises
    ------
    UnsupportedError
        For any other recurrence: where gates multiply the state, what they let through decides how long it is kept.
    """
    layer = instance.layer
    recurrence = instance.recurrent[min(instance.recurrent)]
    first, last = recurrence.first, recurrence.last
    recurrence.one_way(f"{layer}: the law of the memory")
    instance.refuse_initial_lines("the law of the memory")
    statement = instance.statements[first]
    refused = UnsupportedError(
        f"{layer} is no recurrence h[t] = f(W x[t] + U h[t-1] + b): gates or further states decide how long it keeps what "
        "it has seen, not the size of its weights alone; the law of the memory is that of the plain one"
    )
    if first != last or len(instance.recurrent) != 1:
        raise refused
    inside: Head = statement.value
    while isinstance(inside, Apply) and len(inside.arguments) == 1:
        inside = inside.arguments[0]
    kinds = kinds_of_tensors(instance)
    try:
        terms = expand(inside, lambda name: kinds[name], str(layer))
    except UnsupportedError:
        raise refused from None
    own: list[str] = []
    inputs: list[str] = []
    for term in terms:
        varying = [read.tensor for read in term.reads if kinds[read.tensor] == LINEAR]
        learned = [read.tensor for read in term.reads if kinds[read.tensor] == COEFFICIENT]
        if len(varying) > 1 or len(learned) != 1 or term.known:
            raise refused
        if varying:
            (own if varying[0] == statement.target else inputs).append(learned[0])
    if len(own) != 1 or not inputs or own[0] in inputs:
        raise refused
    return tuple(inputs)


# Width ---------------------------------------------------------------------------------------------------------------


def _width(block: Network, sites: Sequence[Site], asked: Expr | None) -> BlockScaling:
    """Xavier's rule for the one layer with weights, and the activations around it."""
    if block.atoms(Join) or isinstance(block, Join):
        raise UnsupportedError(
            f"no law is known for {block}: its branches are joined, and none of a sum is the identity. A block that "
            "concatenates its input (a dense block) gives every copy more channels to read than the one before, so no one "
            "amplitude fits all copies; write Identity() + branch, or pass the layer with weights alone"
        )
    weighted = [site for site in sites if site.instance is not None and site.instance.weights()]
    if len(weighted) != 1:
        raise UnsupportedError(
            "the scaling with the width is that of one layer with weights; pass it alone, or with an activation"
        )
    only = weighted[0].instance
    assert only is not None
    if "buffer" in only.roles.values() or any(only.masks(place) for place in only.live):
        raise UnsupportedError(
            f"{only.layer} divides by running statistics, or sums over other inputs at every place: its weights have no one "
            "variance that keeps a signal"
        )
    function: Expr = VARIABLE
    before: Expr = VARIABLE
    reached = False
    for site in sites:
        instance = site.instance
        assert instance is not None
        if site is weighted[0]:
            reached = True
        elif is_activation(instance):
            function, before = (
                (function_of(instance).subs(VARIABLE, function), before)
                if reached
                else (function, function_of(instance).subs(VARIABLE, before))
            )
        elif not site.node.is_identity and not _renames(instance):
            raise UnsupportedError(
                f"{site.node} changes the size of a signal by a law of its own, so the variance of the weights that keeps it "
                "is not known; pass the layer with weights alone, or with activations"
            )
    # The activations of one copy and those in front of the next stand between the same two weights.
    energy = gaussian_mean(before.subs(VARIABLE, function) ** 2, VARIABLE)
    (site,) = weighted
    assert site.instance is not None
    width = width_scaling(fan_in(site.instance), energy)
    at = None if asked is None else width.scaling.at(asked)
    first = next(iter(site.instance.weights()))
    return BlockScaling("width", width.scaling, at, width, (f"{site.path}.{first}" if site.path else first,))


def _renames(instance: Instance) -> bool:
    """Whether a layer gives every number of its input another place, and does nothing else."""
    return all(isinstance(instance.statements[place].value, Read) for place in instance.live)


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


@checked
def activation_decoupling(layer: Network) -> Decoupling:
    """The decoupling ``D(f) = 1 - (E f')^2 / E f'^2`` of an activation, from its equation.

    Parameters
    ----------
    layer : Network
        An activation, a function of single numbers; or several in series.

    Returns
    -------
    Decoupling

    Raises
    ------
    FieldError
        If it is no network.
    DomainError
        If it is constant, or jumps.
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
    as_network(layer, "la.activation_decoupling")
    function: Expr = VARIABLE
    if layer.atoms(Join) or isinstance(layer, Join):
        raise UnsupportedError(f"{layer} joins branches; the decoupling is that of activations in series")
    for site in _sites(layer, (2,)):
        if site.node.is_identity:
            continue
        if site.instance is None or not is_activation(site.instance):
            raise UnsupportedError(f"{site.node} is no function of single numbers")
        function = function_of(site.instance).subs(VARIABLE, function)
    return decoupling(function, VARIABLE)


@checked
def capacity_deep_limit(
    block: Network, constant: Any, on: Any = None, *, taps: Mapping[str, Any] | None = None, bias: Any = 0
) -> DeepLimit:
    """The continuous limit of so many copies of ``Identity() + branch``, the branch scaled by ``c / sqrt(L)``.

    Parameters
    ----------
    block : Network
        The branch may have several layers: their gains multiply.
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
        If `block` is no network, there are no such taps, a bias is negative, or the constant is no expression.
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
        raise UnsupportedError(f"the deep limit is that of a block Identity() + branch, got {block}")
    taps, bias = checked_taps(taps, "la.capacity_deep_limit"), checked_bias(bias, "la.capacity_deep_limit")
    factor = _constant(constant)
    carrier = WalkCarrier(taps, bias)
    # The block as a whole is walked, so that shapes are compared and weights have the names that they have in it.
    evaluate_network(block, carrier, on)
    unused_taps(carrier)
    place = next(number for number, branch in enumerate(block.branches) if not branch.is_identity)
    prefix = f"{place}."
    below = {
        name.removeprefix(prefix) if name.startswith(prefix) else name.removeprefix("*."): values
        for name, values in taps.items()
    }
    found = evaluate_network(block.branches[place], WalkCarrier(below, bias), on).value
    if found.kernel is None or found.kernel.rank != 1:
        raise UnsupportedError("the deep limit needs a branch of literal kernels along one axis")
    signal = leaving(found.stages)
    kernel = KernelWalk(found.kernel.shares, signal.moment, found.kernel.jump)
    return DeepLimit(kernel, factor)


def _constant(given: Any) -> Expr:
    try:
        made = sympify(given, strict=True)
    except (SympifyError, TypeError, ValueError):
        made = None
    if not isinstance(made, Expr) or made.is_extended_real is False or made.is_finite is False:
        raise FieldError(f"the constant of a deep limit is a number or an expression, got {shown(given)}")
    return made
