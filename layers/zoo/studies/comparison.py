"""Published networks side by side: size, work, reach, capacity, compression and accuracy.

>>> found = figures("alexnet")
>>> found.parameters, found.published_parameters, round(found.gmacs, 3), found.published_gmacs, found.top1
(61100840, 61100840, 0.714, 0.714, 56.522)
>>> print(comparison(["alexnet", "vgg11"]).csv().splitlines()[0][:55])
network,family,parameters,macs,depth,receptive_field,co
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from math import floor, log10
from typing import Any

from sympy import Expr

from ....algebra.errors import DomainError, FieldError, UnsupportedError
from ....algebra.formulas.table import Table
from ....algebra.metrics.depth import depth
from ....algebra.metrics.intrinsic_power import intrinsic_power
from ....algebra.metrics.layer_complexity import layer_complexity
from ....algebra.metrics.macs import macs
from ....algebra.metrics.parameters import parameters
from ....algebra.metrics.receptive_field import receptive_field
from ....algebra.metrics.vc_dimension import vc_dimension
from ....algebra.networks.network import Network
from ....algebra.records import dataclass
from ..families import build, info, published_name

FAMILIES = {
    "alexnet": ("alexnet",),
    "vgg": ("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
    "resnet": ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    "wide_resnet": ("wide_resnet50_2", "wide_resnet101_2"),
    "resnext": ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"),
    "densenet": ("densenet121", "densenet161", "densenet169", "densenet201"),
    "squeezenet": ("squeezenet1_0", "squeezenet1_1"),
    "googlenet": ("googlenet",),
    "mobilenet_v2": ("mobilenet_v2",),
}
"""The networks of piecewise-linear layers whose accuracy on ImageNet is published, by family."""

NEWER_TRAINING = ("resnext101_64x4d",)
"""Whose first published weights were trained by a later and longer recipe than those of the others."""


@dataclass(frozen=True)
class Figures:
    """What is known about one network.

    Attributes
    ----------
    name, family : str
    parameters, macs, depth : int
    receptive_field : int
        Along the first axis of the image, before the layer that joins all positions.
    complexity : float
        Bits; closed form of `layer_complexity`.
    net, expansion, compression, bottleneck : float
        Bits; see `intrinsic_power`.
    vc_explicit, vc_implicit, vc_lower : float
        Bounds on the VC dimension.
    top1 : float or None
        Published accuracy of the first weights, in percent.
    published_parameters : int or None
    published_gmacs : float or None
    surrogate : str
        What stands in for functions without affine pieces; empty where there are none.
    """

    name: str
    family: str
    parameters: int
    macs: int
    depth: int
    receptive_field: int
    complexity: float
    net: float
    expansion: float
    compression: float
    bottleneck: float
    vc_explicit: float
    vc_implicit: float
    vc_lower: float
    top1: float | None
    published_parameters: int | None
    published_gmacs: float | None
    surrogate: str = ""

    @property
    def gmacs(self) -> float:
        """Billions of multiply-accumulates."""
        return self.macs / 1e9

    def disagreements(self) -> list[str]:
        """What is published and differs: parameters that are not equal, GMACs that differ in a published digit."""
        found = []
        if self.published_parameters is not None and self.published_parameters != self.parameters:
            found.append(f"{self.name}: {self.parameters} parameters, published {self.published_parameters}")
        if self.published_gmacs is not None:
            digits = len(str(self.published_gmacs).partition(".")[2])
            units = self.macs * 10**digits  # a published figure is rounded or cut off at its last digit
            if round(self.published_gmacs * 10**digits) not in (units // 10**9, (2 * units + 10**9) // (2 * 10**9)):
                found.append(f"{self.name}: {self.gmacs:.{digits}f} GMACs, published {self.published_gmacs}")
        return found


def figures(name: str, surrogate: str = "relu", d: Any = None, **changes: Any) -> Figures:
    """The figures of one published network; sizes must be numbers.

    Parameters
    ----------
    name : str
        One of `names`.
    surrogate : str
        What stands in for functions without affine pieces, where there are any.
    d : int, optional
        The dimension of a slice in which the data lies.
    **changes
        As for `build`. A network that is changed has no published figures.

    Returns
    -------
    Figures
    """
    name = published_name(name)
    net, about = build(name, **changes), info(name)
    if net.free_symbols:
        raise FieldError(f"figures({name!r}) needs numbers for {', '.join(sorted(map(str, net.free_symbols)))}")
    published = not changes
    standing: str | None = None
    try:
        bits = layer_complexity(net, d=d)
    except UnsupportedError:
        standing = surrogate
        bits = layer_complexity(net, d=d, surrogate=surrogate)
    power = intrinsic_power(net)
    return Figures(
        name=name,
        family=next((family for family, members in FAMILIES.items() if name in members), about.family),
        parameters=int(parameters(net)),
        macs=int(macs(net)),
        depth=int(depth(net)),
        receptive_field=_reach(net),
        complexity=_float(bits),
        net=_float(power.net),
        expansion=_float(power.expansion),
        compression=_float(power.compression),
        bottleneck=_float(power.bottleneck),
        **_vc(net, standing),
        top1=next(iter(about.accuracy.values()), None) if published else None,
        published_parameters=about.parameters if published else None,
        published_gmacs=about.gmacs if published else None,
        surrogate=standing or "",
    )


def _float(value: Expr) -> float:
    return float(value.evalf(17))


def _reach(net: Network) -> int:
    try:
        sizes = receptive_field(net).size
    except UnsupportedError:
        return 0
    return int(sizes[0]) if sizes else 1


def _vc(net: Network, surrogate: str | None) -> dict[str, float]:
    """The bounds on the VC dimension, from one walk; nan where one is not stated."""
    evaluation = vc_dimension.evaluate(net, surrogate=surrogate)
    found = {}
    for bound in ("explicit", "implicit", "lower"):
        try:
            found[f"vc_{bound}"] = _float(vc_dimension.finish(evaluation, bound=bound, surrogate=surrogate))
        except DomainError:
            found[f"vc_{bound}"] = float("nan")
    return found


@dataclass(frozen=True)
class Comparison:
    """Figures of several networks, with a table for the eye and one with all digits."""

    rows: tuple[Figures, ...]

    def __iter__(self):
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def table(self) -> Table:
        """A table in convenient units."""
        columns = (
            "network",
            "params M",
            "GMACs",
            "depth",
            "RF",
            "C Mbit",
            "net",
            "V+",
            "V-",
            "B",
            "VC<= G",
            "impl. G",
            "lower G",
            "top-1",
        )
        body = tuple(
            (
                row.name,
                _short(row.parameters / 1e6),
                _short(row.gmacs),
                row.depth,
                row.receptive_field or "-",
                _short(row.complexity / 1e6),
                _fixed(row.net),
                _fixed(row.expansion),
                _fixed(row.compression),
                _fixed(row.bottleneck),
                _short(row.vc_explicit / 1e9),
                _short(row.vc_implicit / 1e9),
                _short(row.vc_lower / 1e9),
                "-" if row.top1 is None else f"{row.top1:.2f}",
            )
            for row in self.rows
        )
        return Table(columns, body, notes=self.notes())

    def notes(self) -> tuple[str, ...]:
        """What the columns mean, how exact they are, and where a published figure differs."""
        said = [
            "C: layer complexity (an upper bound, reconstruction). net, V+, V-, B: intrinsic power, in bits "
            "(reconstruction). "
            "RF: receptive field before all positions are joined. VC: bounds on the VC dimension, explicit and "
            "implicit upper; the lower one "
            "is reached by some network of that size, not by this one, and stated for more than 640 layers only. "
            "top-1: accuracy of the first published weights, in percent.",
        ]
        differing = [text for row in self.rows for text in row.disagreements()]
        checked = sum(row.published_parameters is not None for row in self.rows)
        if checked:
            said.append(
                f"Parameters and GMACs equal the published ones for all {checked} networks that have some."
                if not differing
                else "Differs from what is published: " + "; ".join(differing) + "."
            )
        standing = [row.name for row in self.rows if row.surrogate]
        if standing:
            kinds = "/".join(sorted({row.surrogate for row in self.rows if row.surrogate}))
            said.append(f"With the surrogate {kinds} for functions without affine pieces: {', '.join(standing)}.")
        newer = [row.name for row in self.rows if row.name in NEWER_TRAINING and row.top1 is not None]
        if newer:
            said.append(f"Trained by a later recipe than the others: {', '.join(newer)}.")
        return tuple(said)

    def text(self, width: int = 120) -> str:
        """The table for a terminal."""
        return self.table().text(width)

    def latex(self) -> str:
        """The table with the rules of booktabs."""
        return self.table().latex()

    def csv(self) -> str:
        """All figures with all digits."""
        columns = ["network" if part.name == "name" else part.name for part in fields(Figures)]
        rows = tuple(tuple("" if value is None else value for value in asdict(row).values()) for row in self.rows)
        return Table(tuple(columns), rows).csv()

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def comparison(
    names: Iterable[str] | None = None, surrogate: str = "relu", d: Any = None, **changes: Any
) -> Comparison:
    """Figures of published networks, side by side.

    Parameters
    ----------
    names : iterable of str, optional
        Those of `FAMILIES`, if left out.
    surrogate : str
        What stands in for functions without affine pieces, where there are any.
    d : int, optional
        The dimension of a slice in which the data lies.
    **changes
        Hyperparameters that all of them have, such as the resolution.

    Returns
    -------
    Comparison
    """
    chosen: Sequence[str] = (
        list(names) if names is not None else [name for members in FAMILIES.values() for name in members]
    )
    if isinstance(names, str) or not chosen:
        raise FieldError(f"comparison takes a list of names, got {names!r}")
    return Comparison(tuple(figures(name, surrogate, d, **changes) for name in chosen))


def _short(value: float) -> str:
    """Four significant digits."""
    if value != value:
        return "-"
    if value == 0:
        return "0"
    places = max(0, 3 - floor(log10(abs(value))))
    return f"{value:.{places}f}" if places < 7 else f"{value:.2e}"


def _fixed(value: float) -> str:
    return f"{value:.2f}"
