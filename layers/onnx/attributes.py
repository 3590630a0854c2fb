"""The attributes of a node, and which of them a rule has read: one that nobody reads is refused, not passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...algebra.errors import UnsupportedError


class Attributes(Mapping[str, Any]):
    """The attributes of a node by name; it notes which were asked for.

    Parameters
    ----------
    onnx : module
    node : NodeProto
    """

    def __init__(self, onnx: Any, node: Any):
        self.entries = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return self.entries[name]

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        self.read.update(self.entries)
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def text(self, name: str, default: str) -> str:
        """An attribute that is a word."""
        found = self.get(name, default)
        return found.decode(errors="replace") if isinstance(found, bytes) else str(found)

    def number(self, name: str, default: float) -> float:
        """A number of single precision, as its author wrote it: 0.1, and not 0.10000000149."""
        return float(f"{float(self.get(name, default)):.7g}")

    def check_read(self, onnx: Any, node: Any, version: int, where: str) -> None:
        """Refuse attributes that were not read, unless they say what holds without them."""
        unread = [name for name in self.entries if name not in self.read]
        if not unread:
            return
        try:
            known = onnx.defs.get_schema(node.op_type, version, node.domain).attributes
        except Exception:  # of an operator without a schema, which a user's rule has read
            known = {}
        for name in unread:
            usual = known[name].default_value if name in known else None
            if usual is not None and usual.type and onnx.helper.get_attribute_value(usual) == self.entries[name]:
                continue
            raise UnsupportedError(
                f"{where}: {node.op_type} with {name}={_short(self.entries[name])}, which is not understood\n"
                f"  write instead: operators={{{node.op_type!r}: my_rule}}, where my_rule(shapes, attributes) returns a Layer"
            )


def _short(value: Any) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text if len(text) < 60 else f"{text[:57]}..."
