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
from dataclasses import dataclass
from typing import Any

from ...algebra.errors import FieldError, LayerAlgebraError
from ...algebra.networks.layer import Layer
from ...algebra.networks.network import Network
from ..samples.structural import Inapplicable, Trial, falsify
from ..verdict import Certificate, Proved, Refuted, Undecided, Verdict, Witness

#: How many samples each part of a check takes, where nothing else is said.
EXAMPLES = 15


@dataclass(frozen=True)
class Result:
    """One law that was checked: the verdict, and on how many samples it held."""

    law: str
    verdict: Verdict
    cases: int = 0

    @property
    def refuted(self) -> bool:
        return isinstance(self.verdict, Refuted)

    def __str__(self) -> str:
        if isinstance(self.verdict, Proved):
            return f"proved    {self.law}: {self.verdict.certificate.summary}"
        if isinstance(self.verdict, Refuted):
            return f"REFUTED   {self.law}\n{_indented(self.verdict.witness)}"
        if self.cases:
            return f"held      {self.law}: on {self.cases} sample{'s' * (self.cases != 1)}"
        return f"undecided {self.law}: {self.verdict.reason}"


def _indented(witness: Witness) -> str:
    lines = [f"    {name} = {value}" for name, value in witness.sizes]
    if witness.note:
        lines.append(f"    {witness.note}")
    if witness.left is not None or witness.right is not None:
        sign = {"=": "is not", "<=": "is more than"}.get(witness.relation, f"not {witness.relation}")
        lines.append(f"    {witness.left}  {sign}  {witness.right}")
    return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """What `check` found, law by law."""

    subject: str
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is refuted, and something was checked."""
        return not self.refuted and any(result.cases or isinstance(result.verdict, Proved) for result in self.results)

    @property
    def refuted(self) -> tuple[Result, ...]:
        """The laws that fail."""
        return tuple(result for result in self.results if result.refuted)

    @property
    def undecided(self) -> tuple[Result, ...]:
        """What could neither be proved nor tried."""
        return tuple(result for result in self.results if isinstance(result.verdict, Undecided) and not result.cases)

    def __getitem__(self, law: str) -> Result:
        for result in self.results:
            if result.law == law:
                return result
        raise FieldError(f"{law} was not checked; there are {', '.join(result.law for result in self.results)}")

    def __str__(self) -> str:
        proved = sum(isinstance(result.verdict, Proved) for result in self.results)
        counts = f"{proved} proved, {sum(bool(r.cases) for r in self.results if not r.refuted)} held on samples"
        counts += f", {len(self.refuted)} refuted, {len(self.undecided)} undecided"
        ordered = sorted(self.results, key=lambda result: not result.refuted)
        return "\n".join(
            [f"{self.subject}: {'in order' if self.ok else 'NOT in order'} ({counts})", *map(str, ordered)]
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


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


def from_trial(law: str, trial: Trial) -> Result:
    """The result of trying a law on samples."""
    if trial.witness is not None:
        return Result(law, Refuted(trial.witness), trial.cases)
    reason = trial.reason or f"agreed on {trial.cases} samples, which proves nothing"
    return Result(law, Undecided(reason), trial.cases)


def tried(law: str, samples: Any, test: Callable[[Any], Witness | None], examples: int) -> Result:
    """A law tried on samples; an error of the library or of the user's code that the test lets through refutes it."""

    def guarded(sample: Any) -> Witness | None:
        try:
            return test(sample)
        except Inapplicable:
            raise
        except LayerAlgebraError as error:
            return Witness((("sample", sample),), "=", None, None, f"{type(error).__name__}: {error}")

    return from_trial(law, falsify(samples, guarded, examples))


def proved(law: str, summary: str) -> Result:
    """A law that the normal form decided."""
    return Result(law, Proved(Certificate("normal_form", summary)))


def assert_lawful(subject: Any, shapes: Any = None, examples: int | None = None) -> None:
    """Raise `AssertionError` with the report's text if a check finds something wrong; for a test of one's own."""
    report = check(subject, shapes, examples)
    if not report.ok:
        raise AssertionError(str(report))


def test_of(subject: Any, shapes: Any = None, examples: int | None = None) -> Callable[[], None]:
    """A test function for pytest: ``test_my_layer = la.proofs.test_of(MyLayer)``."""

    def test_is_lawful() -> None:
        assert_lawful(subject, shapes, examples)

    return test_is_lawful


test_of.__test__ = False  # type: ignore[attr-defined]

__all__: Sequence[str] = ["Report", "Result", "assert_lawful", "check", "test_of"]
