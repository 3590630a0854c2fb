"""The sizes that a file declares: numbers, or symbols by the file's names; and whether what is read has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Integer, Symbol

from ...algebra.errors import FieldError, FileError, UnsupportedError
from ...algebra.sizes.dims import as_size
from .translator import OnnxTranslator


class Dimensions:
    """The sizes of the file's tensors."""

    def __init__(self, given: Mapping[str, object]):
        self.given = dict(given)
        self.named: dict[str, Expr] = {}
        """The names that the inputs have given sizes."""

    def of(self, entry: Any) -> tuple[Expr, ...]:
        """The shape of an input."""
        kind = entry.type.WhichOneof("value")
        if kind not in (None, "tensor_type"):
            raise UnsupportedError(
                f"the input {entry.name} is a {kind.removesuffix('_type').replace('_', ' ')}, no tensor"
            )
        if kind is None or not entry.type.tensor_type.HasField("shape"):
            raise UnsupportedError(f"the input {entry.name} has no shape in the file")
        return tuple(self._size(entry.name, place, dim) for place, dim in enumerate(entry.type.tensor_type.shape.dim))

    def _size(self, name: str, place: int, dim: Any) -> Expr:
        if dim.HasField("dim_value"):
            if dim.dim_value < 1 and place:
                raise FileError(f"axis {place} of the input {name} has the size {dim.dim_value}")
            return Integer(max(dim.dim_value, 1))
        label = dim.dim_param or f"{name}_{place}"
        if label in self.given:
            self.named[label] = as_size(self.given[label], f"dimensions[{label!r}]")
            return self.named[label]
        clean = "".join(character if character.isalnum() else "_" for character in label).strip("_")
        if not clean or not clean[0].isalpha() or len(clean) > 64:
            raise FieldError(
                f"the dimension {label[:80]!r} has no name that a symbol could have; pass dimensions={{{label[:80]!r}: size}}"
            )
        self.named[label] = Symbol(clean, integer=True, positive=True)
        return self.named[label]

    def same(self, entry: Any, found: Sequence[int]) -> None:
        """Refuse a value for an input that the file gives another shape."""
        declared = [self._recorded(dim) for dim in entry.type.tensor_type.shape.dim]
        fits = len(declared) == len(found) and all(
            said is None or not said.is_Integer or int(said) == size for said, size in zip(declared, found)
        )
        if entry.type.tensor_type.HasField("shape") and not fits:
            text = ", ".join("?" if said is None else str(said) for said in declared)
            raise FieldError(
                f"values[{entry.name!r}] has the shape {tuple(found)}, but the file gives {entry.name} ({text})"
            )

    def check(self, t: OnnxTranslator, graph: Any) -> None:
        """Refuse a model whose tensors differ from what the file records of them, or from what ONNX finds."""
        for entry in (*graph.value_info, *graph.output):
            value = t.values.get(entry.name)
            if value is None or not entry.type.HasField("tensor_type") or not entry.type.tensor_type.HasField("shape"):
                continue
            recorded = [self._recorded(dim) for dim in entry.type.tensor_type.shape.dim]
            found = t.recorded(entry.name)
            if not self._agree(t, entry.name, recorded, found):
                text = ", ".join("?" if size is None else str(size) for size in recorded)
                raise UnsupportedError(
                    f"{entry.name} is read with the shape ({', '.join(map(str, found))}), but the file records ({text})\n"
                    "  write instead: operators={...} with a rule of your own for the operator that makes it"
                )

    def _agree(self, t: OnnxTranslator, name: str, recorded: Sequence[Expr | None], found: Sequence[Expr]) -> bool:
        if len(recorded) != len(found):
            return False
        one = t.is_of_one(name)  # a batch, perhaps folded into another axis, is one example here
        for place, (said, size) in enumerate(zip(recorded, found)):
            if said is None or (one and (place == 0 or not said.is_Integer)):
                continue
            if t.steps.agree((size,), (said,)):
                continue
            return False
        return True

    def _recorded(self, dim: Any) -> Expr | None:
        if dim.HasField("dim_value"):
            return Integer(dim.dim_value)
        return self.named.get(dim.dim_param) if dim.dim_param else None


def literal_shapes(graph: Any) -> dict[str, tuple[Expr, ...]]:
    """The shapes of the tensors all of whose sizes are recorded as numbers."""
    found = {}
    for entry in (*graph.value_info, *graph.output):
        if entry.type.HasField("tensor_type") and entry.type.tensor_type.HasField("shape"):
            dims = entry.type.tensor_type.shape.dim
            if all(dim.HasField("dim_value") and dim.dim_value > 0 for dim in dims):
                found[entry.name] = tuple(Integer(dim.dim_value) for dim in dims)
    return found
