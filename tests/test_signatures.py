"""How layers are called: `inspect.signature` shows the fields, and a call that does not fit it is refused with their names."""

from __future__ import annotations

import inspect

import pytest

import layeralgebra as la

LAYERS = {layer.__name__: layer for layer in la.registered_layers()}


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_the_signature_has_the_fields_in_order(kind: type[la.Layer]) -> None:
    parameters = inspect.signature(kind).parameters
    assert list(parameters) == list(kind.fields)
    for name, parameter in parameters.items():
        said = {part.strip() for part in str(parameter.annotation).split("|")}
        assert said == {{"NoneType": "None"}.get(each.__name__, each.__name__) for each in kind.fields[name]}
        assert parameter.default == kind.defaults.get(name, inspect.Parameter.empty)


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_a_call_that_does_not_fit_is_refused(kind: type[la.Layer]) -> None:
    signature = inspect.signature(kind)
    for words in ({"no_such_field": 1}, {}):
        try:
            signature.bind(**words)
        except TypeError:
            with pytest.raises(la.FieldError) as refused:
                kind(**words)
            needed = [name for name, p in signature.parameters.items() if p.default is inspect.Parameter.empty]
            named = ["no_such_field", *signature.parameters] if words else needed
            assert kind.__name__ in str(refused.value)
            assert all(name in str(refused.value) for name in named)
        else:
            assert not words
            kind()
    with pytest.raises(la.FieldError, match=f"{kind.__name__} takes {len(signature.parameters)} "):
        kind(*range(len(signature.parameters) + 1))
