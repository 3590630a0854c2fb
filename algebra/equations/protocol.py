"""What the equations ask of a layer; the layers themselves stand on a higher floor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from .syntax import ParsedEquation


@runtime_checkable
class StatesEquation(Protocol):
    """Anything that states an equation: the text of it, its fields, and the names of the tensors that it is given."""

    fields: ClassVar[Mapping[str, tuple[object, ...]]]
    defaults: ClassVar[Mapping[str, object]]
    buffers: ClassVar[tuple[str, ...]]
    opaque: ClassVar[bool]

    def __hash__(self) -> int: ...

    @property
    def parsed(self) -> ParsedEquation: ...

    @property
    def values(self) -> Mapping[str, Any]: ...

    @property
    def input_names(self) -> tuple[str, ...]: ...

    @property
    def output_names(self) -> tuple[str, ...]: ...

    @property
    def layout(self) -> tuple[str | None, str | None]: ...

    def layout_of(self, output: str) -> str | None: ...

    @property
    def free_symbols(self) -> Any: ...
