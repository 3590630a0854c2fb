"""Bytes that training holds of what is learned: against published bytes a parameter, and against the states of PyTorch's optimisers."""

from __future__ import annotations

import pytest
from sympy import expand

import layeralgebra as la


def test_the_published_bytes_of_adam_in_mixed_precision():
    """Rajbhandari et al. 2020 (arXiv 1910.02054), section 3.1: 2 + 2 + 12 bytes a parameter, 24 GB for the 1.5B parameters of GPT-2."""
    net, _ = la.zoo.symbolic("gpt2")
    assert expand(la.optimizer_memory(net) - 16 * la.parameters(net)) == 0
    states = sum(la.optimizer_memory(net, part=part) for part in ("master", "states"))
    assert expand(states - 12 * la.parameters(net)) == 0
    assert expand(la.optimizer_memory(net, part="weights") - 2 * la.parameters(net)) == 0
    assert expand(la.optimizer_memory(net, part="gradients") - 2 * la.parameters(net)) == 0


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_pytorchs_optimisers(optimizer):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 5))
    make = {
        "sgd": lambda of: torch.optim.SGD(of, 0.1),
        "momentum": lambda of: torch.optim.SGD(of, 0.1, momentum=0.9),
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    step = make[optimizer](module.parameters())
    module(torch.ones(2, 3)).sum().backward()
    step.step()
    held = [
        one for state in step.state.values() for one in state.values() if isinstance(one, torch.Tensor) and one.dim()
    ]
    net = la.Linear(4) >> la.ReLU() >> la.Linear(5)
    found = la.optimizer_memory(net, on=(3,), optimizer=optimizer, precision="full", part="states")
    assert found == sum(one.nbytes for one in held)
    everything = sum(one.nbytes + one.grad.nbytes for one in module.parameters()) + found
    assert la.optimizer_memory(net, on=(3,), optimizer=optimizer, precision="full") == everything


def test_what_is_no_option_is_refused():
    for options in ({"optimizer": "lion"}, {"precision": "half"}, {"part": "some"}):
        with pytest.raises(la.FieldError, match="is one of"):
            la.optimizer_memory(la.Linear(3), on=(3,), **options)
