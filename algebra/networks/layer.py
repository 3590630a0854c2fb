"""The base of every layer: fields, an equation, and what makes it a SymPy object.

A layer is a class with annotated fields and an equation; nothing else is needed.

>>> class Scale(Layer):
...     '''One factor for each channel.'''
...     equation = "y[c, *i] = s[c] * x[c, *i]"
>>> Scale() == Scale() and Scale().func(*Scale().args) == Scale()
True
>>> str(Scale().instance((3, 5)).output)
'(3, 5)'
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from sympy import Basic, Expr, Integer, Rational, Tuple, false, nan, oo, true, zoo
from sympy.core.symbol import Str
from sympy.logic.boolalg import BooleanAtom

from ..arguments import as_elements, as_integer, as_real, is_truth, shown
from ..equations.calls import Expanded, expanded, names_called
from ..equations.fields import NO_VALUE, NOTHING, Dim, Flag, Kind, Number, Size, Sizes, Text, kinds_of, signature_of
from ..equations.syntax import ParsedEquation, parse, subscript_items
from ..equations.trees import branches, parts
from ..errors import EquationError, FieldError, LayerAlgebraError
from ..sizes.dims import are_sizes, as_size
from .network import Network


class _CallSignature:
    """How a class of layers is called, made when somebody looks: there are many classes, and few are looked at."""

    def __get__(self, layer: object, owner: type[Layer]) -> inspect.Signature:
        return signature_of({name: owner.__annotations__[name] for name in owner.fields}, dict(owner.defaults))


class _Frozen(type):
    """The type of layers: what a class says holds for all that was derived from it, so nothing of it changes afterwards."""

    def __init__(cls, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        type.__setattr__(cls, "_complete", True)

    def __setattr__(cls, name: str, value: object) -> None:
        if "_complete" in cls.__dict__ and not name.startswith("_"):
            raise FieldError(f"{cls.__name__}.{name} is set already, and formulas may rest on it; {_ANEW}")
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        raise FieldError(f"{cls.__name__}.{name} cannot be taken away, since formulas may rest on it; {_ANEW}")


NAMESPACE: dict[str, type[Layer]] = {}
"""The registered layers, which every equation may call by name."""

_ANEW = "write a new class, with a name of its own"


@dataclass_transform(frozen_default=True)
class Layer(Network, metaclass=_Frozen):
    """A layer: annotated fields, and an equation from which everything else is derived.

    Subclass it, annotate the fields with `Dim`, `Size`, `Number`, `Flag`, `Text` or `Sizes`, and give the class an `equation` (a text, or a
    property that returns one). The language is described in `layeralgebra.algebra.equations.syntax`.

    Attributes
    ----------
    equation : str
        Statements that define tensors from ``x`` (or from `inputs`); the last one defines the output, unless `outputs` says otherwise.
    inputs : tuple of str
        The names of the inputs; left out, they are ``x``, ``x1``... and whatever looks up a table.
    outputs : tuple of str
        The names of the tensors that come out, each defined by a line; left out, it is that of the last line. Of several, ``layer["h"]``
        is the layer with one of them.
    buffers : tuple of str
        Tensors that are neither computed nor learned, such as running statistics.
    drawn : tuple of str
        The buffers that training draws anew for every example, such as the mask of a dropout.
    tables : mapping of str to function
        Buffers whose numbers are known beforehand, ``{"C": lambda self, shape: array}``, such as the cosines of rotary positions.
    channel_axis : str
        ``"first"`` or ``"last"``, where the equation's patterns do not tell.
    namespace : mapping of str to class of layers
        What the equation may call by name besides the registered layers, as in ``h = relu(Linear(8)(x))``.
    opaque : bool
        Whether the equation only says what depends on what, as of a sort. Shapes and learned numbers count, the work is not known: counts
        of work are lower bounds, receptive fields upper ones, and what needs more is refused.
    claims : mapping of str to function
        Closed forms that somebody published, ``{"parameters": lambda self, shape: ...}``; they are checked, never used.

    Raises
    ------
    FieldError
        If a class has a field of an unknown kind or of a reserved name, or subclasses another layer; from the
        constructor, if there is no equation, or a field is missing, unknown or of another kind.
    EquationError
        When the equation is first used, if it cannot be read.

    Examples
    --------
    >>> from layeralgebra import Dim, Layer, dims, parameters
    >>> class Bilinear(Layer):
    ...     out: Dim
    ...     equation = '''
    ...         y[o] = W[o, a, b] * x[a] * x[b]
    ...         where o < out
    ...     '''
    >>> n, m = dims("n m")
    >>> parameters(Bilinear(m), on=(n,))
    m*n**2
    """

    equation: Any  # a text, or a property that returns one
    inputs: ClassVar[tuple[str, ...] | None] = None
    outputs: ClassVar[tuple[str, ...] | None] = None
    buffers: ClassVar[tuple[str, ...]] = ()
    drawn: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    channel_axis: ClassVar[str | None] = None
    namespace: ClassVar[Mapping[str, type[Layer]]] = {}
    opaque: ClassVar[bool] = False
    claims: ClassVar[Mapping[str, Callable[..., object]]] = {}
    fields: ClassVar[Mapping[str, tuple[Kind, ...]]] = {}
    defaults: ClassVar[Mapping[str, object]] = {}
    __signature__ = _CallSignature()

    if TYPE_CHECKING:

        def __init__(self) -> None: ...  # of a layer without fields

    def __init_subclass__(cls, **options: object):
        # SymPy prepares every class for assumptions of its own, such as `is_integer`; one that states none inherits the layer's.
        if options or cls.__bases__ != (Layer,) or any(name.startswith(("is_", "_eval_is_")) for name in vars(cls)):
            super().__init_subclass__(**options)
        for base in cls.__mro__[1:]:
            if base is not Layer and issubclass(base, Layer):
                raise FieldError(
                    f"{cls.__name__} subclasses the layer {base.__name__}; a layer is final, so compose it or write its equation"
                )
        own = {name: kind for name, kind in inspect.get_annotations(cls).items() if "ClassVar" not in str(kind)}
        reserved = _reserved() & set(own)
        if reserved:
            raise FieldError(
                f"{cls.__name__} has a field called {sorted(reserved)[0]!r}, which means something else here; rename it"
            )
        for attribute in ("claims", "tables"):
            _check_functions(cls.__name__, attribute, getattr(cls, attribute))
        _check_namespace(cls.__name__, cls.namespace)
        for attribute in ("inputs", "outputs", "buffers", "drawn"):
            _check_names(cls.__name__, attribute, cls.__dict__.get(attribute, getattr(Layer, attribute)))
        for name in cls.drawn:
            if name not in cls.buffers:
                raise FieldError(
                    f"{cls.__name__} draws {name!r}, which is none of its buffers; write buffers = ({name!r},)"
                )
        for name in cls.tables:
            if name not in cls.buffers:
                raise FieldError(
                    f"{cls.__name__} has a table {name!r} that is none of its buffers; write buffers = ({name!r},)"
                )
        cls.fields = MappingProxyType({name: kinds_of(kind, cls.__name__, name) for name, kind in own.items()})
        cls.defaults = MappingProxyType({name: cls.__dict__[name] for name in own if name in cls.__dict__})
        for place, name in enumerate(own):
            setattr(cls, name, property(_reader(place), _writer(name), doc=f"The field {name}."))

    def __new__(cls, *args: object, **words: object) -> Self:
        if cls is Layer:
            raise FieldError("Layer is the base of layers; subclass it and give it an equation")
        if not hasattr(cls, "equation"):
            raise FieldError(f"{cls.__name__} has no equation; write equation = 'y[*i] = x[*i]'")
        names = list(cls.fields)
        if len(args) > len(names):
            raise FieldError(f"{cls.__name__} takes {len(names)} value(s) ({', '.join(names)}), got {len(args)}")
        given = dict(zip(names, args))
        for word, value in words.items():
            if word not in cls.fields:
                raise FieldError(f"{cls.__name__} has no field {word!r}; it has {', '.join(names) or 'none'}")
            if word in given:
                raise FieldError(f"{cls.__name__} got {word} twice")
            given[word] = value
        missing = [name for name in names if name not in given and name not in cls.defaults]
        if missing:
            raise FieldError(f"{cls.__name__} needs {', '.join(missing)}")
        values = [cls._field(name, given.get(name, cls.defaults.get(name))) for name in names]
        made = Basic.__new__(cls, *values)
        made.check_fields()
        if cls._calls_layers():
            try:
                called = _expanded(made)
                made.buffers, made.drawn = (
                    called.buffers,
                    (*cls.drawn, *called.drawn),
                )  # those of the layers that are called are of this one only
            except LayerAlgebraError:
                pass  # said where the equation is first used
        return made

    @classmethod
    def _calls_layers(cls) -> bool:
        """Whether the equation calls a layer by its name."""
        text = cls.__dict__.get("equation")
        if not isinstance(text, str) or not (called := _names_called(text)):
            return False
        return not (NAMESPACE.keys().isdisjoint(called) and cls.namespace.keys().isdisjoint(called))

    @classmethod
    def _field(cls, name: str, value: object) -> Basic:
        """The value of a field as a SymPy object, or an error that names layer, field and value."""
        kinds, what = cls.fields[name], f"{cls.__name__}({name}=...)"
        if NO_VALUE in kinds and (value is None or isinstance(value, Str) and value == NOTHING):
            return NOTHING
        if Flag in kinds and is_truth(value):
            return true if value else false
        if Text in kinds and isinstance(value, (str, Str)) and str(value) != str(NOTHING):
            return value if isinstance(value, Str) else Str(value)
        if Number in kinds and (number := _number(value, what)) is not None:
            return number
        for kind, least in ((Dim, 1), (Size, 0)):
            if kind in kinds:
                if (several := _several(value)) is not None and len(several):
                    return Tuple(*are_sizes(several, what, least=least))
                return as_size(value, what, least=least)
        if Sizes in kinds and (several := _several(value)) is not None:
            return Tuple(*are_sizes(several, what, least=1))
        wanted = " or ".join("None" if kind is NO_VALUE else kind.__name__ for kind in kinds)
        raise FieldError(f"{what} takes {wanted}, got {shown(value)} of type {type(value).__name__}")

    def accept(self, walk: Any, *carried: Any) -> Any:
        return walk.layer(self, *carried)

    @property
    def given_fields(self) -> list[tuple[str, Basic, bool]]:
        """Name and value of the fields that are not at their defaults, and whether the value may stand without its name."""
        found, positional = [], True
        for name, value in self.values.items():
            if name in self.defaults and self._field(name, self.defaults[name]) == value:
                positional = False
                continue
            found.append((name, value, positional))
        return found

    def check_fields(self) -> None:
        """Hook for a check that involves several fields; raises `FieldError`."""

    @property
    def values(self) -> dict[str, Basic]:
        """The fields by name."""
        return dict(zip(self.fields, self.args))

    @property
    def is_identity(self) -> bool:  # type: ignore[override]
        return type(self).equation == "y[*i] = x[*i]" and not self.fields

    @cached_property
    def parsed(self) -> ParsedEquation:
        """The checked syntax tree of the equation, with the lines of the layers that it calls."""
        if self._calls_layers():
            return _expanded(self).parsed
        return _parsed(self.equation, frozenset(self.fields))

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The names of the input tensors."""
        return (
            tuple(self.inputs) if self.inputs is not None else _input_names(self.parsed, (*self.fields, *self.buffers))
        )

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """The names of the tensors that come out."""
        return tuple(self.outputs) if self.outputs is not None else (self.parsed.statements[-1].name,)

    @property
    def several(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.outputs) if self.outputs is not None and len(self.outputs) > 1 else ()

    def instance(self, *shapes: tuple) -> Any:
        """This layer at given input shapes; see `layeralgebra.algebra.equations.instance.Instance`."""
        from ..equations.instance import instantiate

        return instantiate(self, *(are_sizes(shape, "shape") for shape in shapes))

    @cached_property
    def layout(self) -> tuple[str | None, str | None]:
        """Where the channels of the input and of the output are: ``"first"``, ``"last"`` or None where the equation leaves it open."""
        if self.channel_axis is not None:
            return self.channel_axis, self.channel_axis
        return _layouts(self.parsed, self.input_names, self.output_names[0])

    def layout_of(self, output: str) -> str | None:
        """Where the channels of one output are, as `layout` says it of the first."""
        if not isinstance(output, str):
            raise FieldError(f"layout_of takes the name of an output, got {shown(output)}")
        if output == self.output_names[0] or self.channel_axis is not None:
            return self.layout[1]
        return _layouts(self.parsed, self.input_names, output)[1]

    def __getstate__(self) -> None:
        return None


@cache
def _reserved() -> frozenset[str]:
    """What no field can be called: words of the language, and whatever every layer has."""
    return frozenset({"x", "inf", "pi", "where", *dir(Layer)})


def _number(value: object, what: str) -> Expr | None:
    """A real number exactly, or an expression that may be one; None if it is no number at all."""
    if isinstance(value, Expr) and not value.is_number:
        if value.is_real is False or value.is_commutative is False or value.has(nan, oo, -oo, zoo):
            raise FieldError(f"{what} must be a finite number, got {shown(value)}")
        return value
    if isinstance(value, Expr):
        if not value.is_real:
            raise FieldError(f"{what} must be a finite number, got {shown(value)}")
        return value
    if isinstance(value, Fraction):
        return Rational(value)
    if is_truth(value) or isinstance(value, str) or not hasattr(value, "__float__") or getattr(value, "ndim", False):
        return None
    return Integer(as_integer(value, what)) if hasattr(value, "__index__") else Rational(repr(as_real(value, what)))


def _several(value: object) -> list[Any] | None:
    """The parts of a tuple, a list or an array; None if it is a single thing."""
    if isinstance(value, (tuple, list, Tuple)) or getattr(value, "ndim", False):
        return as_elements(value, "sizes")
    return None


def _reader(place: int) -> Callable[[Layer], object]:
    def read(self: Layer) -> object:
        value = self.args[place]
        if isinstance(value, BooleanAtom):
            return bool(value)
        if isinstance(value, Str):
            return None if value == NOTHING else value.name
        return value

    return read


def _writer(name: str) -> Callable[[Layer, object], None]:
    def write(self: Layer, value: object) -> None:
        kind = type(self).__name__
        raise FieldError(f"{kind}.{name} is set already; write a new layer, as in {kind}({name}={shown(value)})")

    return write


@lru_cache(maxsize=4096)
def _parsed(text: str, fields: frozenset[str]) -> ParsedEquation:
    return parse(inspect.cleandoc(text) if isinstance(text, str) else text, fields)


_names_called = lru_cache(maxsize=4096)(names_called)
_pending: list[type[Layer]] = []
"""Layers whose equations are being read: none calls itself."""


@lru_cache(maxsize=4096)
def _expanded(layer: Layer) -> Expanded:
    kind, text = type(layer), inspect.cleandoc(layer.equation)
    if kind in _pending:
        raise EquationError(f"the equation of {kind.__name__} calls itself", text=text, line=1)
    _pending.append(kind)
    try:
        return expanded(text, layer.values, kind.inputs, kind.buffers, {**NAMESPACE, **kind.namespace})
    finally:
        _pending.pop()


@lru_cache(maxsize=4096)
def _input_names(parsed: ParsedEquation, others: tuple[str, ...]) -> tuple[str, ...]:
    """What is called x, x1..., and whatever looks up a table, if it is neither defined nor one of `others`."""
    defined = {*(statement.name for statement in parsed.statements), *others}
    if "x" in defined:
        raise EquationError(
            "x is the input and cannot be defined", text=parsed.text, line=1, instead="a new name on the left"
        )
    found: dict[str, None] = {}

    def visit(node: ast.AST, looked_up: bool) -> None:
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            name = node.value.id
            if name not in defined and (looked_up or name == "x" or (name[0] == "x" and name[1:].isdigit())):
                found[name] = None
            return visit(node.slice, True)
        for child in branches(node):
            visit(child, looked_up and not isinstance(node, ast.Call))

    for statement in parsed.statements:
        visit(statement.value, False)
    if not found:
        raise EquationError("the equation never reads its input x", text=parsed.text, line=1, instead="y[*i] = x[*i]")
    return tuple(sorted(found))


def _pattern(node: ast.Subscript) -> str | None:
    """Where the channels are in one address: before the starred indices, after them, or nowhere."""
    items = subscript_items(node)
    stars = [place for place, item in enumerate(items) if _is_spread(item)]
    plain = [place for place, item in enumerate(items) if not _is_spread(item)]
    if not stars or not plain:
        return None
    return "first" if plain[0] < stars[0] else "last"


def _is_spread(item: ast.expr) -> bool:
    """A starred index, or a group of starred indices only."""
    return isinstance(item, ast.Starred) or (
        isinstance(item, ast.Tuple) and all(isinstance(part, ast.Starred) for part in item.elts)
    )


@lru_cache(maxsize=4096)
def _layouts(parsed: ParsedEquation, inputs: tuple[str, ...], output: str) -> tuple[str | None, str | None]:
    """The patterns of the first telling read of an input and of the output; a layer that adds the channels found ``"all"`` spatial."""
    patterns = [
        _pattern(node)
        for statement in parsed.statements for node in parts(statement.value)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in inputs
    ]  # fmt: skip
    made = next((_pattern(one.target) for one in reversed(parsed.statements) if one.name == output), None)
    takes = next((pattern for pattern in patterns if pattern is not None), None)
    return ("all" if takes is None and made is not None else takes), made


def _check_functions(owner: str, attribute: str, given: object) -> None:
    """Claims and tables are functions by name."""
    if isinstance(given, Mapping) and all(isinstance(name, str) and callable(each) for name, each in given.items()):
        return
    raise FieldError(
        f"{attribute} of {owner} must be a mapping from names to functions of the layer and the shape of its input, "
        f'such as {{"parameters": lambda self, shape: 9 * shape[0]}}; got {shown(given)}'
    )


def _check_namespace(owner: str, given: object) -> None:
    """What an equation may call are layers by name."""
    if isinstance(given, Mapping) and all(
        isinstance(name, str) and name.isidentifier() and isinstance(kind, type) and issubclass(kind, Layer)
        for name, kind in given.items()
    ):
        return
    raise FieldError(
        f'namespace of {owner} must be a mapping from names to classes of layers, such as {{"Block": Block}}; got {shown(given)}'
    )


def _check_names(owner: str, attribute: str, given: object) -> None:
    """Inputs, outputs and buffers are names, each once."""
    if given is None and attribute not in ("buffers", "drawn") or isinstance(given, property):
        return
    if isinstance(given, (tuple, list)) and all(isinstance(name, str) and name.isidentifier() for name in given):
        if attribute == "outputs" and not given:
            raise FieldError(
                f'a layer has an output, and outputs of {owner} is empty; write outputs = ("y",), or leave it out for the last line'
            )
        if len(set(given)) == len(given):
            return
        raise FieldError(f"{attribute} of {owner} has a name twice: {given!r}")
    raise FieldError(
        f'{attribute} of {owner} must be a tuple of names, such as ("mean", "variance"); got {shown(given)}'
    )
