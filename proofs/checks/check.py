"""Check a layer of one's own: is its equation sound, are its claims true, do the laws of composition hold for it?

>>> import layeralgebra as la
>>> class Strided(la.Layer):
...     '''A convolution whose author forgot its bias when he counted.'''
...     out_channels: la.Dim
...     kernel: la.Dim
...     equation = '''
...         y[o, *i] = W[o, c, *u]*x[c, *(i + u)] + b[o]
...         where o < out_channels, u < kernel
...     '''
...     claims = {"parameters": lambda self, shape: self.out_channels * shape[0] * self.kernel ** (len(shape) - 1)}
>>> report = check(Strided, examples=4)
>>> report.ok
False
>>> print(report.refuted[0].law)
claim_parameters
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...algebra.arguments import checked
from ...algebra.errors import FieldError
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Network
from .results import Report, Result

#: How many samples each part of a check takes, where nothing else is said.
EXAMPLES = 15


@checked
def check(
    subject: Any,
    shapes: Any = None,
    examples: int | None = None,
    *,
    laws: Sequence[str] | None = None,
    latex: bool = False,
) -> Report:
    """Check a layer against what its equation means, its claims, and the laws of the algebra.

    Parameters
    ----------
    subject : class of layers, layer, or function of two networks
        The fields of a class are drawn, those of a layer stay. A function of two networks is a way of composition, which is
        checked for associativity.
    shapes : shape or list of shapes, optional
        What enters the layer, as integers; drawn, if left out.
    examples : int, optional
        How many samples each part takes.
    laws : sequence of str, optional
        Only these laws, as names or patterns such as ``claim_*``.
    latex : bool
        Compile the layer's LaTeX as well, where pdflatex is installed.

    Returns
    -------
    Report
        With ``ok``, ``results``, ``refuted``; its text says which law fails, at which sizes, and what both sides are there.

    Raises
    ------
    FieldError
        If there is nothing to check, or hypothesis is not installed.

    Examples
    --------
    >>> import layeralgebra as la
    >>> la.proofs.check(la.Linear, examples=3).ok
    True
    """
    many = EXAMPLES if examples is None else examples
    if isinstance(many, bool) or not isinstance(many, int) or many < 1:
        raise FieldError(f"examples must be a positive integer, got {examples!r}")
    is_class = isinstance(subject, type) and issubclass(subject, Layer) and subject is not Layer
    if not is_class and not isinstance(subject, Network) and callable(subject) and not isinstance(subject, type):
        from .composition import check_composition

        return Report(getattr(subject, "__name__", "composition"), tuple(check_composition(subject, many)))
    if not is_class and not isinstance(subject, Layer):
        raise FieldError(f"check takes a class of layers, a layer, or a function of two networks, got {subject!r}")
    from .layer import LayerCheck

    name = subject.__name__ if isinstance(subject, type) else str(subject)
    return Report(name, tuple(LayerCheck(subject, _shapes(shapes), many, latex, laws).results()))


def _shapes(shapes: Any) -> tuple[tuple[int, ...], ...] | None:
    if shapes is None:
        return None
    found = shapes if isinstance(shapes, list) else [shapes]
    try:
        return tuple(tuple(int(size) for size in shape) for shape in found)
    except TypeError:
        raise FieldError(
            f"shapes are tuples of integers, one for each input: (3, 8, 8) or [(4, 3), (2, 3)]; got {shapes!r}"
        ) from None


@checked
def assert_lawful(subject: Any, shapes: Any = None, examples: int | None = None) -> None:
    """Raise `AssertionError` with the report's text if a check finds something wrong; for a test of one's own.

    Parameters
    ----------
    subject, shapes, examples
        As for `check`.

    Raises
    ------
    AssertionError
        If a law is refuted, or nothing was checked.
    FieldError
        As `check`.

    Examples
    --------
    >>> import layeralgebra as la
    >>> la.proofs.assert_lawful(la.ReLU, examples=2)
    """
    report = check(subject, shapes, examples)
    if not report.ok:
        raise AssertionError(str(report))


@checked
def test_of(subject: Any, shapes: Any = None, examples: int | None = None) -> Callable[[], None]:
    """A test function for pytest: ``test_my_layer = la.proofs.test_of(MyLayer)``.

    Parameters
    ----------
    subject, shapes, examples
        As for `check`.

    Returns
    -------
    function
        Without arguments; it calls `assert_lawful`.

    Raises
    ------
    AssertionError, FieldError
        From the function, as `assert_lawful`.

    Examples
    --------
    >>> import layeralgebra as la
    >>> test_relu = la.proofs.test_of(la.ReLU, examples=2)
    >>> test_relu()
    """

    def test_is_lawful() -> None:
        assert_lawful(subject, shapes, examples)

    return test_is_lawful


test_of.__test__ = False  # type: ignore[attr-defined]

__all__: Sequence[str] = ["Report", "Result", "assert_lawful", "check", "test_of"]
