"""One model imported, and compared with what PyTorch counts: a record of what agreed, what was refused and why, and what went wrong."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from _import_case import Case
from _import_oracle import Counted, counted, examples
from _import_reasons import reasons

import layeralgebra as la

Tell = Callable[[dict[str, Any]], None]


def trial(case: Case, tell: Tell) -> None:
    """Try one model, with the sizes of the example and then with dynamic axes, and tell what was found as soon as it is known.

    ``static`` and ``dynamic`` become one of *right*, *wrong* (with ``..._wrong``: what differs), *refused* (with ``..._why``), *raw*
    (another error than the library's own), *not exported* (`torch.export` cannot trace the model), and *no oracle* (PyTorch does not run
    it without memory). What is told first is what is known if the process is stopped later.
    """
    with torch.device("meta"):
        module = case.make()
    if not all(tensor.is_meta for tensor in [*module.parameters(), *module.buffers()]):
        module = module.to("meta")
    tell({"static": "stopped"})
    oracle = _counted(case, module, case.shapes)
    tell({"oracle": oracle} if isinstance(oracle, str) else {"stored": oracle.parameters, "products": oracle.products})
    net = _try(case, module, oracle, "static", tell)
    if net is not None and case.numbers:
        tell({"numbers": _numbers(case, net)})
    if case.dynamic and net is not None:  # what refuses the example refuses more
        tell({"dynamic": "stopped"})
        _try(case, module, oracle, "dynamic", tell)


def _counted(case: Case, module: Any, shapes: Any) -> Counted | str:
    try:
        return counted(module, shapes, case.integers)
    except Exception as error:  # whatever a model raises that asks for numbers, or for tensors of one device or type
        wanted = "BF16" if "BF16" in str(error) else "memory"
    try:
        if case.name not in _OTHERWISE:  # a process tries one model
            _OTHERWISE[case.name] = _on_meta_in_halves(case) if wanted == "BF16" else case.make()
        return counted(_OTHERWISE[case.name], shapes, case.integers, "meta" if wanted == "BF16" else "cpu")
    except Exception as error:
        return _first_line(error)


def _on_meta_in_halves(case: Case) -> Any:
    """Products of groups of rows are known without memory for this type only."""
    with torch.device("meta"):
        return case.make().to("meta", torch.bfloat16)


_OTHERWISE: dict[str, Any] = {}


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"[:400]


@contextmanager
def _timed_export() -> Iterator[dict[str, Any]]:
    """How long `torch.export` itself takes within an import, and what it returned."""
    found: dict[str, Any] = {"seconds": 0.0, "program": None}
    original = torch.export.export

    def timed(*given: Any, **named: Any) -> Any:
        start = time.process_time()
        try:
            found["program"] = original(*given, **named)
            return found["program"]
        finally:
            found["seconds"] += time.process_time() - start

    with _instead_of_export(timed):
        yield found


@contextmanager
def _instead_of_export(function: Callable[..., Any]) -> Iterator[None]:
    original = torch.export.export
    torch.export.export = function
    try:
        yield
    finally:
        torch.export.export = original


def _try(case: Case, module: Any, oracle: Counted | str, way: str, tell: Tell) -> Any:
    axes = case.dynamic if way == "dynamic" else None

    def imported() -> Any:
        return la.from_torch(module, case.shapes, axes, integers=case.integers)

    start = time.process_time()
    with _timed_export() as export:
        try:
            net, error = imported(), None
        except la.LayerAlgebraError as caught:
            net, error = None, caught
        except Exception as caught:  # what must not happen is what is looked for
            net, error = None, caught
    tell({f"{way}_seconds": time.process_time() - start, f"{way}_export_seconds": export["seconds"]})
    if net is None:
        raw = not isinstance(error, la.LayerAlgebraError)
        state = "raw" if raw else "refused" if export["program"] is not None else "not exported"
        told = {way: state, f"{way}_why": f"{type(error).__name__}: {error}"[:3000]}
        if raw:
            told[f"{way}_trace"] = "".join(traceback.format_exception(error))[-1500:]
        tell(told)
        if state != "not exported":
            with _instead_of_export(lambda *_, **__: export["program"]):  # the same program again
                tell({f"{way}_reasons": reasons(error, imported)})
        return None
    if isinstance(oracle, str):
        tell({way: "no oracle"})
        return net
    try:
        wrong, remarks = (_static_differences if way == "static" else _dynamic_differences)(case, module, net, oracle)
    except Exception as caught:  # a network that cannot be asked is wrong
        own = isinstance(caught, la.LayerAlgebraError)
        wrong, remarks = [f"asking the network raises {_first_line(caught)}"], []
        tell({way: "wrong" if own else "raw", f"{way}_trace": traceback.format_exc()[-1500:]})
    tell({way: "wrong" if wrong else "right", f"{way}_wrong": wrong, f"{way}_remarks": remarks})
    return net


def _output_shapes(shapes: tuple[tuple[int, ...], ...]) -> set[tuple[int, ...]]:
    """The shapes that stand for what is returned: one tensor with or without its batch axis, or the elements of several."""
    if len(shapes) != 1:
        return {(sum(int(np.prod(shape)) for shape in shapes),)}
    (shape,) = shapes
    if not shape:  # a single number is a tensor of one element here
        return {(), (1,)}
    return {shape, shape[1:]} if shape[:1] == (1,) else {shape}


def _static_differences(case: Case, module: Any, net: Any, oracle: Counted) -> tuple[list[str], list[str]]:
    wrong, remarks = [], []
    own, unused = int(la.parameters(net)), dict(net.imported.unused)
    if own + sum(unused.values()) != oracle.parameters:
        wrong.append(f"parameters {own} and {sum(unused.values())} unused, PyTorch has {oracle.parameters}")
    acting = oracle.acting if oracle.acting is not None else frozenset(oracle.stored) - set(unused)
    left_out = {
        name for name in unused if name in acting and oracle.stored.get(name) != 0
    }  # not those without elements
    if left_out:
        wrong.append(f"said to be unused, but autograd reaches {', '.join(sorted(left_out)[:4])}")
    counts = sum(size for name, size in oracle.stored.items() if name in acting)
    if own > counts and not left_out:
        remarks.append(f"counts {own - counts} parameters that act on what is returned, but have no gradient")
    _compare(wrong, "macs", int(la.macs(net)), oracle.products)
    shape = tuple(int(size) for size in la.output_shape(net))
    if shape not in _output_shapes(oracle.shapes):
        wrong.append(f"output {shape}, PyTorch returns {oracle.shapes}"[:300])
    return wrong, remarks


def _compare(wrong: list[str], what: str, own: int, theirs: int) -> None:
    if own != theirs:
        wrong.append(f"{what} {own}, PyTorch counts {theirs} ({own - theirs:+d})")


def _dynamic_differences(case: Case, module: Any, net: Any, oracle: Counted) -> tuple[list[str], list[str]]:
    wrong: list[str] = []
    remarks: list[str] = []
    macs, weights, shape = la.derive("macs", net), la.derive("parameters", net), la.output_shape(net)
    symbols = {symbol.name: symbol for size in shape for symbol in size.free_symbols}
    symbols.update({symbol.name: symbol for symbol in net.free_symbols})
    for sizes in case.unseen:
        found = _counted(case, module, case.at(sizes))
        at = ", ".join(f"{name}={size}" for name, size in sizes.items())
        given = {name: size for name, size in sizes.items() if name in symbols}
        try:
            products = int(macs(**given))
        except la.DomainError as error:
            if not isinstance(found, str):
                remarks.append(f"not at {at}, where PyTorch runs: {_first_line(error)}"[:300])
            continue
        if isinstance(found, str):
            remarks.append(f"at {at} PyTorch does not run: {found}"[:300])
            continue
        before = len(wrong)
        _compare(wrong, f"at {at} macs", products, found.products)
        values = {symbols[name]: size for name, size in given.items()}
        made = tuple(int(size.xreplace(values)) for size in shape)
        if made not in _output_shapes(found.shapes):
            wrong.append(f"at {at} output {made}, PyTorch returns {found.shapes}"[:300])
        total = int(weights(**given)) + sum(net.imported.unused.values())
        _compare(wrong, f"at {at} parameters", total, found.parameters)
        if len(wrong) == before:
            remarks.append(f"right at {at}")
    if not wrong and not any(remark.startswith("right") for remark in remarks):
        remarks.append("compared at no size")
    return wrong, remarks


def _numbers(case: Case, net: Any) -> str:
    """The numbers of a function of its inputs alone, beside PyTorch's."""
    if la.weights(net):
        return "has tensors of its own"
    module = case.make().eval()
    given = examples(case.shapes, case.integers, "cpu", case.within)
    with torch.no_grad():
        from _import_oracle import tensors

        theirs = np.concatenate([tensor.numpy().reshape(-1) for tensor in tensors(module(*given))]).astype(float)
    arrays = [tensor[0].numpy() for tensor in given]
    try:
        ours = np.asarray(la.run(net, arrays[0] if len(arrays) == 1 else arrays), dtype=float).reshape(-1)
    except la.LayerAlgebraError as error:
        return f"not computed: {_first_line(error)}"[:200]
    except Exception as error:
        return f"raw: {_first_line(error)}"
    if ours.shape != theirs.shape:
        return f"differ: {ours.shape} numbers, PyTorch has {theirs.shape}"
    gap = float(np.max(np.abs(ours - theirs) / (1 + np.abs(theirs)))) if ours.size else 0.0
    return "equal" if gap < 1e-4 else f"differ by {gap:.2g}"
