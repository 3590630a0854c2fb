"""Where a publisher's figure is not the derived one: what he counts otherwise, and what we get counting like that.

All GMACs and parameter counts that torchvision published with its weights equal the derived ones, so that they are not
here.

>>> for row in differences("resnet152"):
...     print(row.quantity, row.published, row.derived, row.as_published)
macs 11300000000 11513626624 11282415616
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Integer

from ...algebra.arguments import checked
from ...algebra.derivations.metric import SumCarrier
from ...algebra.equations.heads import reads
from ...algebra.equations.work import statement_work
from ...algebra.metrics.macs import macs
from ...algebra.metrics.parameters import parameters
from ...algebra.networks.carrier import Site
from ...algebra.networks.evaluator import evaluate_network
from ...algebra.networks.network import Network
from ...algebra.records import dataclass
from ...algebra.sizes.normal_form import simplify
from .families import build, published_name


@checked
def learned_macs(net: Network, on: Any = None) -> Expr:
    """MACs of contractions that read a learned tensor: without the products of queries, keys and values.

    Parameters
    ----------
    net : Network
    on : shape, optional
        What enters an open network.

    Returns
    -------
    Expr

    Examples
    --------
    >>> from layeralgebra import MultiHeadAttention, dims
    >>> T, d, h = dims("T d h")
    >>> learned_macs(MultiHeadAttention(h), on=(T, d))
    4*T*d**2
    """

    def measure(site: Site) -> Expr:
        instance = site.instance
        assert instance is not None
        learned = (
            place
            for place in instance.live
            if any(instance.roles[read.tensor] == "weight" for read in reads(instance.statements[place].value))
        )
        return sum((statement_work(instance, place).macs for place in learned), Integer(0))

    return simplify(evaluate_network(net, SumCarrier(measure), on).value)


@dataclass(frozen=True)
class Difference:
    """A published figure that is not the derived one.

    Attributes
    ----------
    name : str
        A network of the zoo.
    quantity : str
        ``"macs"`` or ``"parameters"``.
    publisher : str
    published : int
    unit : int
        The value of the last published digit; figures are rounded or cut there.
    convention : str
        What the publisher counts otherwise.
    """

    name: str
    quantity: str
    publisher: str
    published: int
    unit: int
    convention: str
    recount: Callable[[], Expr]

    @property
    def derived(self) -> Expr:
        """Our figure for the network as `build` returns it."""
        return (macs if self.quantity == "macs" else parameters)(build(self.name))

    @property
    def as_published(self) -> Expr:
        """Our figure under the publisher's convention."""
        return self.recount()

    @property
    def explained(self) -> bool:
        """Whether that is the published figure, to its last digit."""
        return bool(abs(self.as_published - self.published) < self.unit)


def _deep_residual(name: str, published: int) -> Difference:
    return Difference(
        name, "macs", "He, Zhang, Ren, Sun 2016, table 1", published, 10**8,
        "the stride of a stage is in the first 1x1 convolution of a bottleneck, not in its 3x3 convolution",
        lambda: macs(build(name, stride_in="1x1")),
    )  # fmt: skip


def _attention_left_out(name: str, published: int, unit: int) -> Difference:
    return Difference(
        name, "macs", "calflops 0.3.2", published, unit,
        "the products of queries, keys and values in attention are not counted",
        lambda: learned_macs(build(name)),
    )  # fmt: skip


DIFFERENCES = (
    _deep_residual("resnet50", 38 * 10**8),
    _deep_residual("resnet101", 76 * 10**8),
    _deep_residual("resnet152", 113 * 10**8),
    _attention_left_out("vit_b_16", 168_485 * 10**5, 10**5),
    _attention_left_out("gpt2", 126_497 * 10**6, 10**6),
    Difference(
        "inception_v3", "parameters", "timm", 23_830_000, 10**4,
        "the auxiliary classifier, which training alone uses, is not held",
        lambda: parameters(build("inception_v3", auxiliary=False)),
    ),
)  # fmt: skip


@checked
def differences(name: str | None = None) -> tuple[Difference, ...]:
    """The table of differences, of all networks or of one.

    Parameters
    ----------
    name : str, optional

    Returns
    -------
    tuple of Difference
    """
    if name is None:
        return DIFFERENCES
    name = published_name(name)
    return tuple(row for row in DIFFERENCES if row.name == name)
