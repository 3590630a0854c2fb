"""Certificates: a derived formula as a Coq file that states the equations of its network and proves the formula."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import Any

from sympy import Expr, Symbol, fraction, together

from ...algebra.arguments import as_integer, checked, shown
from ...algebra.derivations.derivation import Derivation
from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.carrier import Flow
from ...algebra.networks.network import Network
from ..provers.coq_prover import LIMIT, CoqFailed, check
from ..verdict import Certificate, Proved, Undecided
from .expressions import PRELUDE, Written, listing
from .networks import MEASURES, Part, Printer, linear, without_inputs


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

    def check(self, seconds: int = LIMIT) -> Proved | Undecided:
        """Have ``coqc`` check the file, and see that it rests on no axiom.

        Parameters
        ----------
        seconds : int
            After so many it is ended.

        Returns
        -------
        Proved or Undecided
            Undecided with what Coq says where it does not accept the file in that time, or is not installed.

        Raises
        ------
        FieldError
            If `seconds` is no positive integer.
        """
        limit = as_integer(seconds, "seconds")
        if limit < 1:
            raise FieldError(f"seconds is a positive integer, got {shown(seconds)}")
        try:
            made = check(self.text, limit)
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
    body = without_inputs(derivation.net)
    if body is None:
        raise UnsupportedError("certificates are of networks with at least one layer")
    entering = tuple(map(Flow, derivation.inputs))
    try:
        texts = [_theorem(derivation, body, entering, symbols, measure, formula) for measure, formula in asked]
    except RecursionError:
        raise UnsupportedError("the parts of this network are nested too deeply for a certificate") from None
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
    derivation: Derivation, body: Network, entering: tuple[Flow, ...], symbols: tuple[Symbol, ...], measure: str, formula: Any
) -> str:  # fmt: skip
    written = Written(symbols)
    for relation in derivation.domain.relations:
        written.knows(relation)
    printer = Printer(measure, written, symbols, _hypotheses(derivation, written, symbols))
    printer.waiting = list(range(len(entering)))
    whole = printer.visit(body, entering, "")
    run = f"(run {measure} {printer.applied('net')} {printer.shapes(entering)})"
    goals, proofs = [], []
    shape = formula if isinstance(formula, tuple) else whole.leaves[0].shape
    goals.append(f"leaves {run} = [{listing(map(written, shape))}]")
    proofs.append("rewrite out; lists")
    if not isinstance(formula, tuple):
        over, under = fraction(together(formula))
        goals.append(f"{written(under)} * total (worth {run}) = {written(over)}")
        proofs.append(f"rewrite number; {printer.computed()}; {_value(whole, under)}")
    goals.append(f"holds {run}")
    proofs.append("exact good")
    script = proofs[-1]
    for proof in reversed(proofs[:-1]):
        script = f"split; [ {proof} | {script} ]"
    lines = [
        *printer.texts,
        f"Definition net{printer.binders()} : network := {whole.term}.\n",
        f"Theorem certificate : {printer.forall().rstrip()}\n  " + " /\\\n  ".join(goals) + ".",
        f"Proof.\n  {printer.intros()}unfold net; destruct {whole.gives} as [out [number good]].\n  {script}.\nQed.",
        "",
    ]
    text = "\n".join(lines)
    if measure == "Adds":  # beside the theorem on multiplies
        text = f"Module adds.\n{text}End adds.\n"
    return text


def _value(whole: Part, under: Expr) -> str:
    """The tactic for `under` times the value being what the formula says."""
    if not whole.sums or not under.is_Integer:
        return linear(1, {})
    factor = lcm(int(under), *(fact.under for fact in whole.sums))
    return f"apply (Z.mul_reg_l _ _ {factor // int(under)}); [ lia | {linear(factor, whole.sums)} ]"
