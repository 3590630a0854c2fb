"""A Keras model imported, and compared with what Keras and PyTorch count for it: Keras computes with PyTorch here."""

from __future__ import annotations

import time
from typing import Any

import torch
from _import_case import Case
from _import_reasons import kinds
from _import_trial import Tell, _compare, _first_line
from torch.utils.flop_counter import FlopCounterMode

import layeralgebra as la


def trial(case: Case, tell: Tell) -> None:
    """As `_import_trial.trial`, for the example's size; shapes come with channels last there and first here."""
    import keras

    tell({"static": "stopped"})
    with keras.device("meta"):
        model = case.make()
    products = _products(keras, model)
    start = time.process_time()
    try:
        net = la.from_keras(model)
    except la.LayerAlgebraError as error:
        tell({"static": "refused", "static_why": str(error)[:2000], "static_reasons": kinds(str(error))})
        return
    except Exception as error:  # what must not happen is what is looked for
        tell({"static": "raw", "static_why": _first_line(error)})
        return
    tell({"static_seconds": time.process_time() - start})
    wrong: list[str] = []
    stored = sum(weight.shape and int(torch.Size(weight.shape).numel()) or 1 for weight in model.trainable_weights)
    _compare(wrong, "parameters", int(la.parameters(net)), stored)
    at = {symbol: 224 for symbol in net.free_symbols}
    _compare(wrong, "macs", int(la.macs(net).subs(at)), products)
    shape = tuple(int(size.subs(at)) for size in la.output_shape(net))
    if shape != tuple(model.output_shape[1:]):
        wrong.append(f"output {shape}, Keras has {model.output_shape}")
    tell({"static": "wrong" if wrong else "right", "static_wrong": wrong, "stored": stored, "products": products})


def _products(keras: Any, model: Any) -> int:
    shape = (1, *(size or 224 for size in model.input_shape[1:]))
    counter = FlopCounterMode(display=False)
    with keras.device("meta"), torch.no_grad(), counter:
        model(torch.zeros(shape, device="meta"), training=False)
    return counter.get_total_flops() // 2
