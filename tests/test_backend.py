"""A backend defined in one file: `compile` takes its name, and refuses with it what the others refuse."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from sympy import Symbol, ceiling, floor, log

import layeralgebra as la
from layeralgebra.algebra.compilation.backends.python_backend import ScalarRunner
from layeralgebra.algebra.compilation.backends.registry import BACKENDS, Backend, add_backend
from layeralgebra.algebra.compilation.program.formulas import Formulas
from layeralgebra.algebra.errors import DomainError, FieldError

c, H = la.dims("c H")


class ListRunner:
    """Computes on lists of Python integers, place by place."""

    def __init__(self, formulas: Formulas, symbols: Sequence[Symbol], mask: bool):
        self.single = ScalarRunner(formulas, symbols, mask)

    def __call__(self, given: Sequence[Any]) -> list[Any]:
        rows = [self.single(row) for row in zip(*given, strict=True)]
        return [list(column) for column in zip(*rows, strict=True)]


@pytest.fixture(autouse=True)
def lists():
    add_backend("lists", Backend(ListRunner))
    yield
    del BACKENDS._known["lists"]


def test_it_computes_what_plain_python_does():
    f = la.compile({"size": floor((H - 3) / 2) * c + ceiling(H / c), "log": log(c)}, "lists", on_invalid="mask")
    r = random.Random(5)
    columns = [[r.randint(1, 10**25) for _ in range(50)] for _ in range(2)]
    found = f(c=columns[0], H=columns[1])
    assert found["size"] == [(h - 3) // 2 * k + -(-h // k) for k, h in zip(*columns)]
    assert found["log"] == pytest.approx([float(log(k)) for k in columns[0]], rel=1e-14)


def test_it_refuses_what_the_others_refuse():
    f = la.compile(H - c, "lists", domain=[c <= H])
    assert f(c=[1, 2], H=[5, 2]) == [4, 0]
    with pytest.raises(DomainError, match="c <= H"):
        f(c=[1, 3], H=[5, 2])
    with pytest.raises(FieldError, match="compute on arrays of the host; got 'lists'"):
        la.sweep(H - c, {c: [1], H: [2]}, backend="lists")
    with pytest.raises(FieldError, match="jax, numba, numpy, python, torch, lists, got 'array'"):
        la.compile(c, "array")


def test_those_of_the_library_are_found_by_their_files():
    assert list(BACKENDS) == ["jax", "numba", "numpy", "python", "torch", "lists"] and len(BACKENDS) == 6
    assert "registry" not in BACKENDS and "array" not in BACKENDS
    assert [name for name in BACKENDS if BACKENDS[name].on_arrays] == ["numba", "numpy"]
