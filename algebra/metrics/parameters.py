"""Learned parameters: the elements of the tensors that an equation neither receives nor defines; shared ones count once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from sympy import Add, Expr, Mul, Symbol

from ..derivations.metric import Metric, repeated
from ..errors import ShapeError
from ..networks.carrier import Site, TotalCarrier
from ..records import dataclass
from ..sizes.normal_form import same, simplify

Key = tuple[str, int]


@dataclass
class Weights:
    """Weight tensors of a network: its own, and those that are shared under a name; the parameters are their union."""

    own: list[tuple[Key, Expr]] = field(default_factory=list)
    shared: dict[tuple[str, Key], Expr] = field(default_factory=dict)

    @property
    def total(self) -> Expr:
        return Add(*(size for _, size in self.own), *self.shared.values())


class WeightCarrier(TotalCarrier[Weights]):
    """A union over weight tensors, not a sum over nodes."""

    opaque = "exact"

    def leaf(self, site: Site, port: int) -> Weights:
        assert site.instance is not None
        return Weights(
            [((site.path, place), Mul(*shape)) for place, shape in enumerate(site.instance.weights().values())]
        )

    def series(self, values: Sequence[Weights]) -> Weights:
        made = Weights()
        for value in values:
            made.own.extend(value.own)
            for key, size in value.shared.items():
                self._unite(made.shared, key, size)
        return made

    def joint(self, site: Site) -> Weights:
        return Weights()

    def least_copies(self, value: Weights) -> int:
        return 1 if value.shared else 0

    def repeat(self, value: Weights, times: Expr, index: Symbol | None) -> Weights:
        own = [(key, repeated(size, times, index)) for key, size in value.own]
        for (name, _), size in value.shared.items():
            if index is not None and size.has(index):
                raise ShapeError(f"weights shared under {name!r} change their size from copy to copy: {size}")
        return Weights(own, value.shared)

    def share(self, value: Weights, name: str, path: str) -> Weights:
        """Under a name the k-th tensor is one tensor; a path below the shared network keeps different tensors apart."""
        shared = dict(value.shared)
        for (where, place), size in value.own:
            self._unite(shared, (name, (where.removeprefix(path).lstrip("."), place)), size)
        return Weights([], shared)

    @staticmethod
    def _unite(known: dict[tuple[str, Key], Expr], key: tuple[str, Key], size: Expr) -> None:
        if key in known and known[key] != size and same(known[key], size) is not True:
            raise ShapeError(
                f"weights shared under {key[0]!r} have {known[key]} elements in one place and {size} in another"
            )
        known[key] = size


parameters: Metric[Expr] = Metric(
    name="parameters",
    title="parameters",
    unit="parameters",
    carrier=WeightCarrier,
    finish=lambda evaluation: simplify(evaluation.value.total),
    term=lambda term: term.value.total,
    source="number of elements of the learned tensors of the equation",
    documentation="""Learned parameters of a network.

    Every tensor of an equation that is neither an input nor defined by an earlier line is learned; its elements count once, however
    often it is read, and once for all places that share it (`Network.shared`). Buffers do not count.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.

    Returns
    -------
    Expr

    Raises
    ------
    FieldError
        If `net` is no network, or an option is unknown.
    ShapeError
        If nothing enters an open network, or sizes do not fit; also those of weights shared under one name.
    GraphError
        If both `on` and an `Input` say what enters.

    Examples
    --------
    >>> from layeralgebra import Conv, dims, parameters
    >>> c, o, k = dims("c o k")
    >>> parameters(Conv(o, k), on=(c, 32, 32))
    c*k**2*o + o
    """,
)
