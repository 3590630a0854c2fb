"""What the docstrings of public callables say: every section is there, and every error that they name is raised.

Nothing here names a callable that is only to be described: a new one is asked as soon as it is public. Its errors are
shown by calls in `documented_errors.py`. That the examples are true is found out by `test_examples.py`.
"""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import re
import sys
from types import ModuleType
from typing import Any

import pytest
from docstring_sections import entries, example_faults, reference_faults, sections, summary_faults
from documented_errors import CALLS

import layeralgebra as la
from layeralgebra.algebra import errors

PUBLISHED = re.compile(r"arXiv|\b(?:19|20)\d\d\b")


def public_callables() -> dict[str, Any]:
    """Everything public that can be called; layers are asked in `test_docstrings.py`, modules are described as wholes."""
    layers = [id(layer) for layer in la.registered_layers()]
    found = {name: getattr(la, name) for name in la.__all__}
    found |= {f"proofs.{name}": getattr(la.proofs, name) for name in la.proofs.__all__}
    return {
        name: each
        for name, each in found.items()
        if callable(each) and not isinstance(each, ModuleType) and id(each) not in layers
    }


def checks_arguments(kind: type) -> bool:
    """Whether a class has a constructor of its own that may refuse what it is given, unlike a record's or an error's."""
    if issubclass(kind, Exception):
        return False
    names = {"__new__", "__post_init__"} | (set() if dataclasses.is_dataclass(kind) else {"__init__"})
    return bool(names & set(vars(kind)))


def parameters_of(each: Any) -> list[str]:
    """What a docstring must explain: the parameters of a function, the options of a metric, the fields of a record."""
    if isinstance(each, la.Metric):
        return ["net", "on", *each.options]
    if isinstance(each, type):
        if dataclasses.is_dataclass(each):
            return [field.name for field in dataclasses.fields(each)]
        if not checks_arguments(each) or issubclass(each, la.Layer):  # a layer's parameters are its fields
            return []
        made = vars(each).get("__new__") or vars(each)["__init__"]
        return list(inspect.signature(made).parameters)[1:]
    return list(inspect.signature(each).parameters)


def raised_names(each: Any) -> list[str]:
    return list(entries(sections(each.__doc__).get("Raises", [])))


def error_named(name: str, each: Any) -> Any:
    """The error of a name: one of the library's, one of Python's, or one of the module that states it."""
    home = sys.modules.get(getattr(each, "__module__", ""))
    return getattr(errors, name, None) or getattr(builtins, name, None) or getattr(home, name, None)


def source_of(each: Any) -> str:
    """Where the formula comes from, as a metric, the record that a function returns, or its module says."""
    if isinstance(each, la.Metric):
        return each.source
    home = sys.modules.get(getattr(each, "__module__", ""))
    if isinstance(each, type) or home is None:
        return ""
    returned = getattr(home, str(inspect.signature(each).return_annotation).strip("'\""), None)
    stated = getattr(returned, "source", "")
    return " ".join([stated if isinstance(stated, str) else "", *sections(home.__doc__).get("References", [])])


def cited_in(lines: list[str]) -> set[str]:
    """The numbers of arXiv and the years."""
    text = " ".join(lines)
    numbers = set(re.findall(r"\b\d{4}\.\d{5}\b", text))
    return numbers | set(re.findall(r"(?<![.\d])(?:19|20)\d\d(?![.\d]\d)", text))


def faults(each: Any) -> list[str]:
    """What a docstring lacks."""
    doc, found = sections(each.__doc__), summary_faults(each.__doc__)
    is_class = isinstance(each, type)
    wanted = parameters_of(each)
    explained = {
        name.lstrip("*")
        for title in ("Parameters", *(["Attributes"] if is_class or isinstance(each, la.Metric) else []))
        for name in entries(doc.get(title, []))
    }
    found += [f"{name} is not explained" for name in wanted if name not in explained]
    if is_class and not wanted and not checks_arguments(each):
        return found  # a kind of field, or an error: nothing is passed that could be explained
    if not is_class:
        known = {*wanted}
        unknown = {name.lstrip("*") for name in entries(doc.get("Parameters", []))} - known
        found += [f"{name} is no parameter" for name in sorted(unknown)]
        returns = isinstance(each, la.Metric) or inspect.signature(each).return_annotation not in ("None", None)
        if returns and not any(doc.get("Returns", [])):
            found.append("no return value")
    if checks_arguments(each) if is_class else bool(wanted):
        found += raise_faults(each)
    found += example_faults(each.__doc__)
    if "References" in doc or PUBLISHED.search(source_of(each)):
        found += reference_faults(each.__doc__)
    missing = cited_in([source_of(each)]) - cited_in(doc.get("References", []))
    return found + [f"the source {one} is not among the references" for one in sorted(missing)]


def raise_faults(each: Any) -> list[str]:
    documented = entries(sections(each.__doc__).get("Raises", []))
    if not documented:
        return ["no error"]
    found = [f"{name} is named and not when it is raised" for name, (_, when) in documented.items() if not when]
    for name in documented:
        error = error_named(name, each)
        if not (isinstance(error, type) and issubclass(error, Exception)):
            found.append(f"there is no error {name}")
        elif not issubclass(error, la.LayerAlgebraError) and error.__module__ != "builtins":
            found.append(f"{name} is no error of this library or of Python")
    return found


CALLABLES = public_callables()
RAISED = [(name, error) for name, each in CALLABLES.items() for error in raised_names(each)]


@pytest.mark.parametrize("name", CALLABLES)
def test_every_section_is_there(name):
    assert faults(CALLABLES[name]) == []


def test_calls_are_those_documented():
    shown = {(name, error) for name, calls in CALLS.items() for error in calls}
    assert set(RAISED) - shown == set(), "documented, and no call shows it"
    assert shown - set(RAISED) == set(), "shown, and not documented"


@pytest.mark.parametrize(("name", "error"), RAISED)
def test_documented_errors_are_raised(name, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error_named(error, CALLABLES[name])) as caught:
        CALLS[name][error]()
    assert type(caught.value).__name__ == error


GOOD = """The double of a number.

    Parameters
    ----------
    number : int

    Returns
    -------
    int

    Raises
    ------
    FieldError
        If it is no number.

    Examples
    --------
    >>> 1 + 1
    2
    """


def doubled(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("", "", ""),
        (".\n", "\n", "no summary line"),
        ("number : int", "numbers : int", "number is not explained"),
        ("number : int", "number : int\n    other : int", "other is no parameter"),
        ("Returns\n    -------\n    int", "", "no return value"),
        ("Raises\n    ------\n    FieldError\n        If it is no number.", "", "no error"),
        ("        If it is no number.\n", "", "FieldError is named and not when it is raised"),
        ("FieldError", "FeildError", "there is no error FeildError"),
        ("FieldError", "print", "there is no error print"),
        (">>> 1 + 1\n    2", "", "no example"),
        (
            "Examples",
            'References\n    ----------\n    Gauss, "Works".\n\n    Examples',
            "a reference without title and year",
        ),
    ],
)
def test_what_is_missing_is_found(right, wrong, said):
    assert right in GOOD
    doubled.__doc__ = GOOD.replace(right, wrong, 1)
    found = faults(doubled)
    assert found[0].startswith(said) if said else found == []


def test_a_source_that_is_not_cited_is_found():
    metric = object.__new__(la.Metric)  # a constructor would register it
    vars(metric).update(vars(la.vc_dimension))
    assert faults(metric) == []
    vars(metric)["__doc__"] = la.vc_dimension.__doc__.replace("(2019)", "(2018)")
    assert faults(metric) == ["the source 2019 is not among the references"]


def test_records_and_constructors_are_asked_for_what_they_take():
    @dataclasses.dataclass
    class Pair:
        """Two numbers.

        Attributes
        ----------
        left : int

        Examples
        --------
        >>> 1
        1
        """

        left: int
        right: int

    class Checked:
        """One number."""

        def __init__(self, number: int):
            self.number = number

    assert faults(Pair) == ["right is not explained"]
    assert faults(Checked) == ["number is not explained", "no error", "no example"]
