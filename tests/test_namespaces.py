"""Namespaces beside the flat names, and the types of results that `la.types` names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sympy import Basic

import layeralgebra as la

H, c, n, L = la.dims("H c n L")
CONV = la.Conv(1, 3, padding=1, bias=False)
DENSE = la.Linear(3, bias=False) >> la.ReLU() >> la.Linear(2, bias=False)

#: A call of each public function that returns a record, and what it returns.
CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "receptive_field": (lambda: la.receptive_field(CONV, on=(1, H)), "ReceptiveField"),
    "flops": (lambda: la.flops(CONV, on=(1, H), apart=True), "Flops"),
    "intrinsic_power": (lambda: la.intrinsic_power(la.Linear(n), on=(c,)), "IntrinsicPower"),
    "derive": (lambda: la.derive(la.macs, CONV, on=(1, H)), "Derivation"),
    "derivations": (lambda: la.derive(la.macs, CONV, on=(1, H)) + la.derive(la.depth, CONV, on=(1, H)), "Derivations"),
    "terms": (lambda: la.derive(la.macs, CONV, on=(1, H)).terms[0], "NodeTerm"),
    "domain": (lambda: la.derive(la.macs, CONV, on=(1, H)).domain, "Domain"),
    "compare": (lambda: la.compare({"a": la.Input(1, H) >> CONV}, metrics=["macs"]), "Table"),
    "node_table": (lambda: la.node_table(la.derive(la.macs, CONV, on=(1, H)) + la.derive(la.depth, CONV, on=(1, H))), "Table"),
    "stages_of": (lambda: la.stages_of(la.zoo.build("resnet18"))[0], "Stage"),
    "compile": (lambda: la.compile(n * c), "CompiledFormula"),
    "optimize": (lambda: la.optimize(n * c, [n + c <= 9], {n: (1, 9), c: (1, 9)}), "Optimum"),
    "metrics": (lambda: next(la.metrics()), "Metric"),
    "transfer": (lambda: la.transfer(DENSE, on=(2,)), "TransferFunction"),
    "capacity_allocation": (lambda: la.capacity_allocation(CONV**L, on=(1, H)), "ClosedFormAllocation"),
    "capacity_propagation": (lambda: la.capacity_propagation(CONV**L, on=(1, H)), "CapacityPropagation"),
    "scaling_exponent": (lambda: la.scaling_exponent(la.Identity() + CONV, on=(1, H)), "BlockScaling"),
    "activation_decoupling": (lambda: la.activation_decoupling(la.ReLU()), "Decoupling"),
    "functional_dimension": (lambda: la.functional_dimension([2, 3, 1]), "FunctionalDimension"),
    "linear_predictor": (lambda: la.linear_predictor(la.Linear(1, bias=False), on=(3,)), "Jacobian"),
    "persistent_homology": (lambda: la.persistent_homology(DENSE, la.weights(DENSE, on=(2,)), on=(2,)), "PersistenceDiagrams"),
    "neural_persistence": (lambda: la.neural_persistence(la.Linear(2, bias=False), {"W": [[1, 1], [1, 1]]}, (2,)), "NeuralPersistence"),
    "capacity_deep_limit": (lambda: la.capacity_deep_limit(la.Identity() + CONV, 3, on=(1, 9), taps={"1.W": [[[[1, 2, 1]]]]}), "DeepLimit"),
    "certify": (lambda: la.certify(la.derive("macs", la.Linear(n), on=(c,))), "FormulaCertificate"),
    "equal": (lambda: la.equal(la.Linear(2), la.Linear(2), on=(3,)), "Equality"),
    "rewrite": (lambda: la.rewrite(la.Linear(2), on=(3,)), "Rewritten"),
    "network_graph": (lambda: la.network_graph(DENSE, on=(2,), weights=la.weights(DENSE, on=(2,))), "NetworkGraph"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_results_are_of_types_that_have_a_public_name(name: str) -> None:
    if name in ("equal", "rewrite"):
        pytest.importorskip("egglog")
    call, expected = CALLS[name]
    assert type(call()) is getattr(la.types, expected)


def test_formulas_and_networks_are_sympy_objects() -> None:
    assert isinstance(la.macs(CONV, on=(1, H)), Basic) and isinstance(CONV, la.types.Layer)
    assert isinstance(CONV >> CONV, la.types.Network) and isinstance(la.io.from_networkx, Callable)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", la._NAMESPACES)
def test_a_namespace_hands_on_what_the_flat_names_are(name: str) -> None:
    space = getattr(la, name)
    assert space.__all__ == sorted(space.__all__) and space.__doc__ and name in dir(la) and name not in la.__all__
    for public in space.__all__:
        assert getattr(space, public) is getattr(la, public, getattr(space, public))
    assert name == "types" or any(public in la.__all__ for public in space.__all__)
