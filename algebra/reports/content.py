"""What a report tells, before it is written in some form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Symbol

from ..derivations.derivation import Derivation
from ..derivations.stages import Stage
from ..networks.network import Network
from ..records import dataclass

METRICS = ("parameters", "macs", "flops", "activations", "depth", "output_shape", "receptive_field")


@dataclass(frozen=True)
class Content:
    """A network, what was derived of it, its stages, and the sizes that a page begins with."""

    title: str
    net: Network
    derivations: tuple[Derivation, ...]
    stages: tuple[Stage, ...]
    stage_terms: Mapping[str, Mapping[str, Any]]
    named: Mapping[str, Network] | None
    symbols: tuple[Symbol, ...]
    start: Mapping[str, int]
    left_out: Mapping[str, str]
