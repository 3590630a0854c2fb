"""What an import has read: which learned tensors count, and which do not act on the outputs that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from sympy import Expr, Integer, Symbol
from sympy.logic.boolalg import Boolean

from ...algebra.errors import UnsupportedError
from ...algebra.metrics.parameters import parameters
from ...algebra.networks.network import Network
from ...algebra.records import dataclass
from ...algebra.sizes.normal_form import same
from .carried import Carrier, named
from .record import Recording

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True)
class ImportReport:
    """What was read of a model.

    Attributes
    ----------
    counted : dict of str to int
        Learned tensors that act on the outputs, with their numbers of elements; one that is stored under two names stands once.
    unused : dict of str to int
        Learned tensors that do not.
    outputs : dict of str to tuple
        The shapes of the outputs in the framework.
    where : tuple of sympy.Boolean
        What the model was found to need of the sizes that enter, beside what its layers need.
    inputs : tuple of str
        The names of the inputs that the network takes, in its order.
    batches : dict of str to sympy.Expr
        The inputs of whose leading axis the network takes one example, with its size in the framework.
    """

    counted: dict[str, int]
    unused: dict[str, int]
    outputs: dict[str, tuple[Expr, ...]]
    where: tuple[Boolean, ...]
    inputs: tuple[str, ...] = ()
    batches: dict[str, Expr] = field(default_factory=dict)
    carrier: Carrier | None = field(default=None, repr=False, compare=False)

    def weights(self, tensors: Mapping[str, Any], sizes: Mapping[Any, int] | None = None) -> dict[str, "ndarray"]:
        """The numbers of a model, as `la.run` and `la.to_torch` take them for its network.

        Parameters
        ----------
        tensors : mapping of str to tensor
            By the framework's names: a module's ``state_dict()``.
        sizes : mapping of Symbol or str to int, optional
            Values for the network's symbols.

        Raises
        ------
        UnsupportedError
            If it is not known which stored tensor a layer holds.
        FieldError
            If a tensor is missing, or has no numbers.
        """
        if self.carrier is None:
            raise UnsupportedError("the importer of this framework does not keep which layer holds which stored tensor")
        net = self.carrier.net
        known = {symbol.name: symbol for symbol in net.free_symbols if isinstance(symbol, Symbol)}
        values = {known[str(key)]: Integer(int(value)) for key, value in (sizes or {}).items() if str(key) in known}
        return self.carrier.weights(named(tensors), values)

    def __str__(self) -> str:
        lines = [f"{sum(self.counted.values())} parameters in {len(self.counted)} learned tensors"]
        if self.unused:
            lines.append(f"not counted, since no output depends on them: {sum(self.unused.values())} parameters")
            lines += [f"  {name}: {size}" for name, size in self.unused.items()]
        lines += [
            f"output {name or '(the only one)'}: ({', '.join(map(str, shape))})" for name, shape in self.outputs.items()
        ]
        lines += [f"where {relation}" for relation in self.where]
        return "\n".join(lines)


def reported(net: Network, recording: Recording, carrier: Carrier | None = None) -> Network:
    """The network with its report, once its parameters are found to be those that the model stores."""
    live = {operation.name for operation in recording.needed()}
    counted = {one.names[0]: one.size for one in recording.learned if one.readers & live}
    unused = {one.names[0]: one.size for one in recording.learned if not one.readers & live}
    found, stored = parameters(net), sum(counted.values())
    if same(found, stored) is not True:
        raise UnsupportedError(
            f"the model stores {stored} learned numbers that act on its outputs, but {found} are read\n"
            "  write instead: operators={...} with rules of your own for the operators that share weights in part"
        )
    read = {source for operation in recording.needed() for source in operation.sources}
    inputs = tuple(name for name, _ in recording.inputs if name in read)
    net.imported = ImportReport(
        counted, unused, dict(recording.outputs), tuple(recording.where), inputs, dict(recording.batches), carrier
    )
    return net
