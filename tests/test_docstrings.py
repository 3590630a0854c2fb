"""What the docstrings of layers and of their compositions say: every section is there, and the shapes are those derived.

Nothing here names a layer: a new one is asked as soon as it is registered. That the examples are true is found out by
`test_examples.py`.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest
from conftest import PROFILE
from docstring_sections import entries, example_faults, reference_faults, sections, summary_faults
from docstring_shapes import Mismatch, read_shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies_layers import cases

import layeralgebra as la
from layeralgebra.algebra.networks.layer import Layer
from layeralgebra.layers import COMPOSITIONS
from layeralgebra.proofs.cases import plain

LAYERS = {layer.__name__: layer for layer in la.registered_layers()}
#: Kinds of fields as a docstring spells them; a text may be told by its choices instead.
KINDS = {"Text": r"Text|\{.*\}", "NoneType": "optional"}


def parameter_faults(layer: type[Layer]) -> list[str]:
    """Every field, and nothing else, with its kinds, its default and words on what it means."""
    documented = entries(sections(layer.__doc__).get("Parameters", []))
    faults = [f"{name} is documented and no field" for name in documented if name not in layer.fields]
    for name, kinds in layer.fields.items():
        said, meaning = documented.get(name, ("", ""))
        kind, _, default = said.partition(", default ")
        patterns = [KINDS.get(each.__name__, each.__name__) for each in kinds]
        left = re.sub("|".join(rf"(?<!\w)({pattern})(?!\w)" for pattern in patterns), "", kind)
        if any(not re.search(pattern, kind) for pattern in patterns) or left.replace("or", "").strip(", "):
            faults.append(f"{name} is said to be {kind!r}")
        if default != "" and ast.literal_eval(default) != layer.defaults.get(name):
            faults.append(f"{name} is said to be {default} if left out")
        if default == "" and layer.defaults.get(name) is not None:
            faults.append(f"the default of {name} is missing")
        if not meaning:
            faults.append(f"{name} is not explained")
    return faults


def signature_faults(function: Any) -> list[str]:
    """Every parameter of a composition, with kind and words on what it means, and what is returned."""
    text = sections(function.__doc__)
    documented = entries(text.get("Parameters", []))
    found = [f"{name} is not explained" for name, entry in documented.items() if not all(entry)]
    if set(documented) != set(inspect.signature(function).parameters):
        found.append("other parameters than there are")
    return found + ([] if any(text.get("Returns", ())) else ["no return value"])


def shape_faults(text: str | None) -> list[str]:
    try:
        read_shapes(sections(text).get("Shapes", []))
    except (Mismatch, SyntaxError, ValueError) as error:
        return [str(error)]
    return []


def faults(subject: Any) -> list[str]:
    """What the docstring of a layer, or of a composition, lacks."""
    text = subject.__doc__
    found = parameter_faults(subject) if isinstance(subject, type) else signature_faults(subject)
    return summary_faults(text) + found + shape_faults(text) + example_faults(text) + reference_faults(text)


@pytest.mark.parametrize("name", sorted(LAYERS | COMPOSITIONS))
def test_every_section_is_there(name: str) -> None:
    assert not faults((LAYERS | COMPOSITIONS)[name])


# shapes --------------------------------------------------------------------------------------------------------------


def check_shapes(layer: Layer, shapes: tuple[tuple[int, ...], ...]) -> None:
    """The output shapes that the docstring states are those that the engine derives."""
    fields = {name: plain(getattr(layer, name)) for name in layer.fields}
    made = layer.instance(*shapes).output_shapes.values()
    read_shapes(sections(type(layer).__doc__)["Shapes"]).check(fields, shapes, *(tuple(map(int, one)) for one in made))


@pytest.mark.parametrize("name", sorted(LAYERS))
@settings(max_examples=settings().max_examples if PROFILE == "full" else 3)
@given(data=st.data())
def test_stated_shapes_are_derived(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(LAYERS[name]))
    check_shapes(case.layer, case.shapes)


@pytest.mark.parametrize(("name", "fields"), [("squeeze_excite", {"channels": 6, "squeezed": 2})])
def test_stated_shapes_of_compositions_are_derived(name: str, fields: Mapping[str, int]) -> None:
    net = COMPOSITIONS[name](**fields)  # type: ignore[operator]
    shape = (fields["channels"], 5, 4)
    stated = read_shapes(sections(COMPOSITIONS[name].__doc__)["Shapes"])
    stated.check(fields, [shape], tuple(map(int, la.output_shape(net, on=shape))))


# seeded offences -----------------------------------------------------------------------------------------------------

SOUND = """The first channels, one for every step.

    Parameters
    ----------
    step : Dim, default 2
        Channels from one that is kept to the next.

    Shapes
    ------
    input : (channels, *spatial)
    output : (out, *spatial)
        out = ceil(channels/step)

    Examples
    --------
    >>> 1 + 1
    2

    References
    ----------
    Author, "Title", Journal 1 (2001).
    """


class Thinned(Layer):
    step: la.Dim = 2
    equation = "y[k, *i] = x[step*k, *i]"


def documented(text: str | None) -> type[Layer]:
    Thinned.__doc__ = text
    return Thinned


def without(title: str) -> str:
    return re.sub(rf"    {title}\n    -+\n(.+\n)+\n?", "", SOUND)


def test_a_sound_docstring_has_no_faults() -> None:
    assert not faults(documented(SOUND))
    check_shapes(Thinned(3), ((7, 2),))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "no summary line"),
        (SOUND.replace("step.", "step"), "no summary line"),
        (without("Parameters"), "step is not explained"),
        (without("Shapes"), "Shapes names nothing instead of input and output"),
        (without("Examples"), "no example"),
        (without("References"), "no reference"),
        (SOUND.replace("(2001)", ""), 'a reference without title and year: Author, "Title", Journal 1 .'),
        (SOUND.replace('"Title"', "Title"), "a reference without title and year: Author, Title, Journal 1 (2001)."),
        (SOUND.replace("step :", "width :"), "width is documented and no field"),
        (SOUND.replace("Dim,", "Flag,"), "step is said to be 'Flag'"),
        (SOUND.replace("Dim,", "Dim or Text,"), "step is said to be 'Dim or Text'"),
        (SOUND.replace("default 2", "default 3"), "step is said to be 3 if left out"),
        (SOUND.replace(", default 2", ""), "the default of step is missing"),
        (SOUND.replace("        Channels from one that is kept to the next.\n", ""), "step is not explained"),
        (SOUND.replace("    output : (out, *spatial)\n", ""), "Shapes names input instead of input and output"),
        (SOUND.replace("(out, *spatial)", "as the input"), "invalid syntax"),
    ],
)
def test_a_wrong_docstring_is_found(text: str | None, fault: str) -> None:
    assert fault in " ".join(faults(documented(text)))


@pytest.mark.parametrize(
    "output",
    ["(channels, *spatial)", "(out,)", "(out, out, *spatial)", "(*spatial, out)", "(out, *step)", "(new, *spatial)"],
)
def test_a_wrong_shape_is_found(output: str) -> None:
    documented(SOUND.replace("(out, *spatial)", output))
    with pytest.raises(Mismatch):
        check_shapes(Thinned(3), ((7, 2),))


def test_a_composition_without_words_is_found() -> None:
    def twice(net: la.Network) -> la.Network:
        """One after the other."""
        return net >> net

    assert {"other parameters than there are", "no return value", "no example", "no reference"} <= set(faults(twice))
