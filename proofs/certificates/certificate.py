"""Certificates: a derived formula as a Coq file that states the equations of its network and proves the formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Symbol, fraction, ilcm, together

from ...algebra.arguments import checked, shown
from ...algebra.derivations.derivation import Derivation
from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.carrier import Flow
from ..provers.coq_prover import CoqFailed, check
from ..verdict import Certificate, Proved, Undecided
from .expressions import PRELUDE, Written, listing
from .networks import MEASURES, Printer, inputs_of


@dataclass(frozen=True)
class FormulaCertificate:
    """A Coq file that proves a derived formula.

    Attributes
    ----------
    derivation : Derivation
        What it proves.
    text : str
        The file: a prelude that says what is counted, the equations of the layers, the network, and the theorem.

    Examples
    --------
    >>> from layeralgebra import Linear, derive, dims
    >>> n, m = dims("n m")
    >>> certify(derive("macs", Linear(m), on=(n,))).theorem.splitlines()[0]
    "Theorem certificate : forall m' n' : Z, (1 <= m') -> (1 <= n') ->"
    """

    derivation: Derivation
    text: str

    @property
    def theorem(self) -> str:
        """The statement that the file proves."""
        return self.text[self.text.rindex("Theorem certificate") :].partition("\nProof.")[0]

    def check(self) -> Proved | Undecided:
        """Have ``coqc`` check the file, and see that it rests on no axiom.

        Returns
        -------
        Proved or Undecided
            Undecided with what Coq says where it does not accept the file, or is not installed.
        """
        try:
            made = check(self.text)
        except CoqFailed as error:
            return Undecided(f"Coq does not accept the certificate: {error}")
        except FileNotFoundError:
            return Undecided("coqc is not installed")
        if axioms := "; ".join(said for _, said in made.axioms if said):
            return Undecided(f"Coq accepts the certificate, but it rests on axioms: {axioms}")
        return Proved(Certificate("coq", f"{made.version}, no axioms", evidence=self.text))


@checked
def certify(derivation: Derivation) -> FormulaCertificate:
    """A derived formula as a Coq file that states the equations of the network and proves the formula for all sizes of its domain.

    The file holds the equations of the layers as they are written; what follows from them (extents, shapes, counts of points) is worked
    out in Coq and compared with the formula there. Certificates are known of parameters, nominal MACs, output shapes, and of
    multiplies and adds, those of ``derive("flops", net, apart=True)``, for networks of layers in series, branches and repetitions.

    Parameters
    ----------
    derivation : Derivation
        What `layeralgebra.derive` gives.

    Returns
    -------
    FormulaCertificate
        With `text` and `check`; it is proved when Coq accepts it.

    Raises
    ------
    FieldError
        If it is no derivation.
    UnsupportedError
        If something in the network, or the metric, cannot be certified; the message says what and why.

    Examples
    --------
    >>> from layeralgebra import Conv, derive, dims
    >>> H, W, c = dims("H W c")
    >>> certificate = certify(derive("macs", Conv(c, 3, padding=1), on=(c, H, W)))
    >>> print(certificate.theorem.splitlines()[-1].strip())
    holds (run Macs (net H' W c) [[c; H'; W]]).
    """
    if not isinstance(derivation, Derivation):
        raise FieldError(f"certify takes a derivation, such as la.derive('macs', net), got {shown(derivation)}")
    asked = _asked(derivation)
    symbols = tuple(symbol for symbol in derivation.known.values())
    body, shape = inputs_of(derivation.net)
    entering = derivation.inputs[0] if len(derivation.inputs) == 1 else None
    if body is None or entering is None:
        raise UnsupportedError("certificates are of networks with one input and at least one layer")
    texts: list[str] = []
    for measure, formula in asked:
        texts.append(_theorem(derivation, body, Flow(entering), symbols, measure, formula))
    head = PRELUDE.read_text(encoding="utf-8")
    return FormulaCertificate(derivation, "\n".join([head, *texts]))


def _asked(derivation: Derivation) -> list[tuple[str, Any]]:
    name, options, formula = derivation.metric.name, dict(derivation.options), derivation.formula
    if options.get("effective"):
        raise UnsupportedError("effective work cannot be certified yet; certify nominal work, without effective=True")
    if name in ("parameters", "macs"):
        return [(MEASURES[name], formula)]
    if name == "output_shape":
        return [("Macs", tuple(formula))]
    if name == "flops" and options.get("apart"):
        return [("Multiplies", formula.multiplies), ("Adds", formula.adds)]
    hint = "; certify multiplies and adds, with derive('flops', net, apart=True)" if name == "flops" else ""
    raise UnsupportedError(f"{name} cannot be certified; parameters, macs, output_shape, multiplies and adds can{hint}")


def _hypotheses(derivation: Derivation, written: Written, symbols: tuple[Symbol, ...]) -> list[str]:
    found = []
    for symbol in symbols:
        if symbol.is_positive or symbol.is_nonnegative:
            found.append(f"{1 if symbol.is_positive else 0} <= {written(symbol)}")
    for item in derivation.domain:
        if item.all_loops:
            if all(
                item.condition.relation.has(loop.index) is False and loop.times.is_positive for loop in item.all_loops
            ):
                found.append(written.condition(item.condition.relation))
                continue
            raise UnsupportedError(
                f"a condition on the copies of a repetition is not certified: {item.condition.relation} at {item.path}"
            )
        found.append(written.condition(item.condition.relation))
    return list(dict.fromkeys(found))


def _theorem(
    derivation: Derivation, body: Any, flow: Flow, symbols: tuple[Symbol, ...], measure: str, formula: Any
) -> str:
    written = Written(symbols)
    printer = Printer(measure, written, symbols, _hypotheses(derivation, written, symbols))
    whole = printer.visit(body, flow, "")
    bound = " ".join(written(symbol) for symbol in symbols)
    binders = f" ({bound} : Z)" if symbols else ""
    net, entering = f"(net {bound})" if symbols else "net", f"[{printer.shape(flow)}]"
    given = f"gives {measure} {net} {entering} [{printer.shape(whole.leaves)}]"
    value = printer.worth(whole.own, whole.shared)
    run = f"(run {measure} {net} {entering})"
    goals = [f"leaves {run} = [{listing(map(written, formula if isinstance(formula, tuple) else whole.leaves.shape))}]"]
    if not isinstance(formula, tuple):
        over, under = fraction(together(formula))
        goals.append(f"{written(under)} * total (worth {run}) = {written(over)}")
    goals.append(f"holds {run}")
    statement = f"{printer.forall().rstrip()}\n  " + " /\\\n  ".join(goals)
    applied = f" {bound}" if symbols else ""
    lines = [
        *printer.definitions.values(), *printer.lemmas.values(),
        f"Definition net{binders} : network :=\n {whole.term}.\n",
        f"Lemma net_gives : {printer.forall()}{given} ({value}).",
        f"Proof.\n  intros; unfold net; eapply gives_equal; [ {whole.script.removesuffix('.')} | reflexivity | lists | computed; lists ].\nQed.\n",
        f"Theorem certificate : {statement}.",
        "Proof.",
        f"  intros; destruct (net_gives{applied}) as [out [number good]]; [ assumption .. | ]; rewrite out{', number' * (not isinstance(formula, tuple))}; {_finish(printer, whole, formula)}",
        "Qed.",
        "",
    ]  # fmt: skip
    text = "\n".join(lines)
    if measure == "Adds":  # beside the theorem on multiplies
        text = f"Module {measure.lower()}.\n{text}End {measure.lower()}.\n"
    return text


def _finish(printer: Printer, whole: Any, formula: Any) -> str:
    if isinstance(formula, tuple):
        return "split; [ lists | assumption ]."
    if not printer.sums:
        return "split; [ reflexivity | split; [ computed; ring | assumption ] ]."
    under = fraction(together(formula))[1]
    factor = ilcm(under, *(fraction(together(closed))[1] for _, _, closed, _ in printer.sums))
    asserts = []
    for number, (dummy, fact, closed, prove) in enumerate(printer.sums):
        name, (over, den) = printer.written.names[dummy], fraction(together(closed))
        asserts.append(
            f"assert (fact{number} : {den} * {name} = {printer.written(over)}) by (rewrite {fact}; {prove.replace('[ ', '[ cbv beta; ring | ', 1)})"
        )
    terms = []
    for dummy, _, closed, _ in printer.sums:
        over, den = fraction(together(closed))
        times = printer.written(Integer(factor) / den * _coefficient(whole.own, dummy))
        terms.append(f"{times} * ({den} * {printer.written.names[dummy]} - {printer.written(over)})")
    numerator = printer.written(fraction(together(formula))[0])
    value = printer.written(whole.own)
    asserts.append(
        f"assert (link : {factor} * {value} - {factor // under} * {numerator} = {' + '.join(terms)}) by (ring)"
    )
    return (
        "; ".join(asserts)
        + "; split; [ reflexivity | split; [ computed; apply (Z.mul_reg_l _ _ "
        + str(factor // under)
        + "); [ lia | ]; lia | assumption ] ]."
    )


def _coefficient(own: Expr, dummy: Symbol) -> Expr:
    return own.expand().coeff(dummy, 1)
