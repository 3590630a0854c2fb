"""What the folds in the Coq files about networks say of networks of numbers, by computation, against what the engine says.

That the theorems are about what the engine computes is tested by this: the folds and the engine share nothing but the values of layers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from ...algebra.networks.network import Network
from ...algebra.records import dataclass
from ..printers.networks import Shape, term, values
from ..theorems import FOLDER
from .coq_prover import LIMIT, _coqc_files

#: What `told` says of a network, before its fields along each axis.
SAID = (
    "output_shape",
    "parameters",
    "macs, multiplies, adds, others, activations",
    "depth in learned maps and in layers",
)


@dataclass(frozen=True)
class Difference:
    """Where Coq and the engine say different things of a network."""

    net: Network
    on: Shape
    what: str
    by_coq: Sequence[int]
    by_engine: Sequence[int]


def told(networks: Iterable[tuple[Network, Shape]], definitions: str | None = None) -> list[list[list[int]]]:
    """What the folds say of each network: its output shape, parameters, counts, depths, and its field along each axis (or nothing).

    Parameters
    ----------
    networks : iterable of network and shape
    definitions : str, optional
        Other definitions than those of the file, to see that a difference is found.
    """
    pairs = list(networks)
    given = "".join(
        f"Definition net_{number} : network :=\n  {term(net, on)}.\nDefinition on_{number} : shape := [{'; '.join(map(str, on))}].\n"
        for number, (net, on) in enumerate(pairs)
    )
    all_of_them = "; ".join(f"told net_{number} on_{number}" for number in range(len(pairs)))
    text = (
        "From Coq Require Import ZArith List String.\nRequire Import definitions tables.\nImport ListNotations.\nOpen Scope Z_scope.\n"
        f"Set Printing Width 1000000.\nSet Printing Depth 1000000.\n{given}Eval vm_compute in [{all_of_them}].\n"
    )
    files = {f"{name}.v": (FOLDER / f"{name}.v").read_text(encoding="utf-8") for name in ("definitions", "tables")}
    if definitions is not None:
        files["definitions.v"] = definitions
    printed = _coqc_files({**files, "link.v": text}, LIMIT)
    computed = printed[printed.index("[") : printed.rindex("]") + 1]
    made: list[list[list[int]]] = json.loads(computed.replace(";", ","))
    return made


def differences(
    networks: Iterable[tuple[Network, Shape]], definitions: str | None = None
) -> tuple[list[Difference], int]:
    """Where the folds and the engine say different things, and how many fields were compared beside the rest."""
    known = [(net, on, values(net, on)) for net, on in networks]
    found: list[Difference] = []
    fields = 0
    for (net, on, engine), coq in zip(known, told(((net, on) for net, on, _ in known), definitions), strict=True):
        what = [*SAID, *(f"receptive field along axis {axis}" for axis in range(len(on)))]
        for said, one, other in zip(what, coq, engine, strict=True):
            if said.startswith("receptive") and (not one or other is None):
                continue
            fields += said.startswith("receptive")
            if tuple(one) != other:
                found.append(Difference(net, on, said, one, other or ()))
    return found, fields
