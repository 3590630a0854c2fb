"""Which operators leave the leading axis of a tensor to its examples: a model whose operators all do is read for one example.

Files do not say what a batch is. The leading axis of an input is taken for one as long as every operator that meets it works on each
example alone; at the first one that does not, the input is read whole, with the size that the file declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Mul

from ...algebra.errors import UnsupportedError
from ...algebra.sizes.normal_form import same
from .attributes import Attributes
from .translator import NoBatch, OnnxTranslator


def along(t: OnnxTranslator, node: Any, a: Attributes) -> frozenset[str]:
    """The inputs whose leading axis is a batch, and leads what this node makes.

    Parameters
    ----------
    t : OnnxTranslator
    node : NodeProto
    a : Attributes

    Raises
    ------
    NoBatch
        If the node does something else along that axis.
    """
    led = [name for name in node.input if name and t.batches.get(name)]
    if not led:
        return frozenset()
    names = frozenset().union(*(t.batches[name] for name in led))
    rule = _RULES.get(node.op_type)
    values = dict(a.entries)  # what is read here is not read by the operator's rule
    try:
        if rule is not None:
            keeps = rule(t, node, values, led)
        else:  # an operator that is not looked at: a batch whose size is named is left to it, one of a literal size is not
            keeps = not any(name in t.literal for name in names)
    except (UnsupportedError, IndexError, KeyError, TypeError, ValueError):
        keeps = not any(name in t.literal for name in names)  # the operator's own rule says what is wrong with it
    if not keeps:
        others = frozenset().union(*(t.batches[name] for name in led if name != node.input[0])) - t.batches.get(
            node.input[0], frozenset()
        )
        data = node.op_type in (*_OF_DATA, "Gemm", "MatMul") and node.input[0] in led
        raise NoBatch(others if data and others else names)  # a kernel, say, is none where what it acts on may be one
    return names


Keeps = Callable[[OnnxTranslator, Any, Mapping[str, Any], Sequence[str]], bool]


def _shape(t: OnnxTranslator, name: str) -> tuple[Expr, ...]:
    return t.values[name].shape


def _together(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    """Entry by entry, with smaller tensors repeated: all that have as many axes are of the batch, or the same for every example."""
    rank = max(len(_shape(t, name)) for name in node.input if name)
    return all(
        len(_shape(t, name)) == rank if name in led else len(_shape(t, name)) < rank or _shape(t, name)[0] == 1
        for name in node.input if name
    )  # fmt: skip


def _first(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    """The first input is data, the others hold what is the same for every example."""
    return list(led) == [node.input[0]]


def _axis(default: int) -> Keeps:
    def keeps(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
        rank = len(_shape(t, node.input[0]))
        return list(led) == [node.input[0]] and int(a.get("axis", default)) % rank != 0

    return keeps


def _softmax(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    return int(a.get("axis", 1 if t.opset < 13 else -1)) % len(_shape(t, node.input[0])) != 0


def _concat(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    rank = len(_shape(t, node.input[0]))
    return int(a["axis"]) % rank != 0 and all(name in led or _shape(t, name)[0] == 1 for name in node.input)


def _gather(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    data, places = node.input
    axis = int(a.get("axis", 0)) % max(len(_shape(t, data)), 1)
    return axis != 0 if list(led) == [data] else list(led) == [places] and axis == 0


def _along_both(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    """Positions of one tensor that another names, along an axis: both are of the batch."""
    axis = int(a.get("axis", 0)) % len(_shape(t, node.input[0]))
    return axis != 0 and all(name in led for name in node.input[:2])


def _axes(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    """Reductions: over axes that are named, and of which the leading one is none."""
    rank = len(_shape(t, node.input[0]))
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("axes", ())
    if not given and a.get("noop_with_empty_axes"):
        return list(led) == [node.input[0]]
    return list(led) == [node.input[0]] and bool(given) and all(int(axis) % rank for axis in given)


def _squeeze(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    given = t.numbers(node.input[1]) if len(node.input) > 1 and node.input[1] else a.get("axes", ())
    rank = len(_shape(t, node.input[0])) + (len(given) if node.op_type == "Unsqueeze" else 0)
    return bool(given) and all(int(axis) % rank for axis in given)


def _slice(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    rank = len(_shape(t, node.input[0]))
    if len(node.input) > 1:
        axes = (
            t.numbers(node.input[3]) if len(node.input) > 3 and node.input[3] else range(len(t.numbers(node.input[1])))
        )
    else:
        axes = a.get("axes", range(len(a["starts"])))
    return all(int(axis) % rank for axis in axes)


def _pad(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    rank = len(_shape(t, node.input[0]))
    widths = t.numbers(node.input[1]) if len(node.input) > 1 else a.get("pads", a.get("paddings"))
    if len(node.input) > 3 and node.input[3]:
        return all(int(axis) % rank for axis in t.numbers(node.input[3]))
    return int(widths[0]) == 0 == int(widths[rank])


def _flatten(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    return int(a.get("axis", 1)) % len(_shape(t, node.input[0])) == 1 or not _literal(t, led)


def _literal(t: OnnxTranslator, led: Sequence[str]) -> bool:
    return any(source in t.literal for name in led for source in t.batches[name])


def _transpose(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    order = a.get("perm", range(len(_shape(t, node.input[0])))[::-1])
    return int(order[0]) == 0 or not _literal(t, led)


def _reshape(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    """The leading axis stays: it is copied, written with its size, or what is left when each example fills the rest."""
    if not _literal(t, led):
        return True
    wanted = [size if isinstance(size, Expr) else int(size) for size in t.numbers(node.input[1])]
    size = t.leading(led[0])
    if wanted[0] == 0 and not a.get("allowzero"):
        return True
    rest = Mul(*(own for own in _shape(t, node.input[0])[1:]))
    if wanted[0] == -1:
        return same(Mul(*map(Integer, wanted[1:])), rest) is True
    return same(Integer(wanted[0]), size) is True


def _matmul(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    left, right = node.input[0], node.input[1]
    ranks = [len(_shape(t, left)), len(_shape(t, right))]
    if left in led and right in led:
        return ranks[0] == ranks[1] > 2
    if list(led) == [left]:
        return ranks[0] > 1 and (
            ranks[1] <= 2 or ranks[1] < ranks[0] or (ranks[1] == ranks[0] and _shape(t, right)[0] == 1)
        )
    return list(led) == [right] and ranks[1] > 2 and (ranks[0] < ranks[1] or _shape(t, left)[0] == 1)


def _gemm(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    other = node.input[2] if len(node.input) > 2 else ""
    added = not other or other in led or len(_shape(t, other)) < 2 or _shape(t, other)[0] == 1
    return node.input[0] in led and node.input[1] not in led and not a.get("transA") and added


def _expand(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    wanted, shape = t.numbers(node.input[1]), _shape(t, node.input[0])
    return len(wanted) < len(shape) or (len(wanted) == len(shape) and wanted[0] in (1, t.leading(led[0])))


def _tile(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    return len(node.input) == 2 and int(t.numbers(node.input[1])[0]) == 1


def _cumsum(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    return int(t.numbers(node.input[1])[0]) % len(_shape(t, node.input[0])) != 0


def _size(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    return not _literal(t, led)


def _layer_norm(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    return list(led) == [node.input[0]] and int(a.get("axis", -1)) % len(_shape(t, node.input[0])) != 0


def _never(t: OnnxTranslator, node: Any, a: Mapping[str, Any], led: Sequence[str]) -> bool:
    return False


_ENTRYWISE = (
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh Div Dropout "
    "Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod "
    "Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor"
).split()
_OF_DATA = (
    "AveragePool BatchNormalization Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization "
    "InstanceNormalization LRN LpPool MaxPool SpaceToDepth ConvInteger QLinearConv"
).split()
_REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare".split()

_RULES: dict[str, Keeps] = {
    **dict.fromkeys(_ENTRYWISE, _together), **dict.fromkeys(_OF_DATA, _first), **dict.fromkeys((f"Reduce{kind}" for kind in _REDUCTIONS), _axes),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), _softmax), "Concat": _concat, "Gather": _gather, "Squeeze": _squeeze, "Unsqueeze": _squeeze,
    "Slice": _slice, "Pad": _pad, "Flatten": _flatten, "Transpose": _transpose, "Reshape": _reshape, "MatMul": _matmul, "Gemm": _gemm, "Expand": _expand,
    "Tile": _tile, "CumSum": _cumsum, "CumProd": _cumsum, "Shape": _size, "Size": _size, "LayerNormalization": _layer_norm, "RMSNormalization": _layer_norm,
    **dict.fromkeys(("Split", "ArgMax", "ArgMin"), _axis(0)), **dict.fromkeys(("TopK", "LpNormalization"), _axis(-1)),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "NonZero", "Compress", "Unique", "ReverseSequence", "Det", "Trilu"), _never),
    "GatherElements": _along_both, "Resize": _first, "Upsample": _first,
}  # fmt: skip
"""Operator to whether it leaves the leading axis of the inputs that have a batch alone."""
