"""Certificates: a derived formula as a Coq file that states the equations of its network and proves the formula."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from random import Random
from typing import Any

from sympy import Expr, Symbol, fraction, together, true

from ...algebra.arguments import as_integer, checked, shown
from ...algebra.derivations.derivation import Derivation
from ...algebra.errors import FieldError, UnsupportedError
from ...algebra.networks.carrier import Flow
from ...algebra.networks.network import Network
from ...algebra.records import dataclass
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
        stated = self.text.split("\nTheorem certificate")[1:]
        return "\n\n".join("Theorem certificate" + one.partition("\nProof.")[0] for one in stated)

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
    out in Coq and compared with the formula there. So that nothing is proved for want of sizes, or by a rounding, the file also says that
    there are sizes in the domain, that quotients which the formula does not round are exact, and that nothing is divided by zero.
    Certificates are known of parameters, nominal MACs, output shapes, and of multiplies and adds, those of
    ``derive("flops", net, apart=True)``, for networks of layers in series, branches and repetitions.

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
    """What is assumed of the sizes: symbols are counts, and the conditions of the domain, in all copies that there are."""
    found = []
    for symbol in symbols:
        if symbol.is_positive or symbol.is_nonnegative:
            found.append(f"{1 if symbol.is_positive else 0} <= {written(symbol)}")
    for item in derivation.domain:
        relation, before = item.condition.relation, ""
        for loop in item.all_loops:
            if (
                relation.has(loop.index)
                or any(other.times.has(loop.index) for other in item.all_loops)
                or not loop.times.is_positive
            ):
                name = written.names.setdefault(loop.index, f"i_{len(written.names)}")
                before += f"forall {name} : Z, 0 <= {name} < {written(loop.times)} -> "
        found.append(before + written.condition(relation))
    return list(dict.fromkeys(found))


def _theorem(
    derivation: Derivation, body: Network, entering: tuple[Flow, ...], symbols: tuple[Symbol, ...], measure: str, formula: Any
) -> str:  # fmt: skip
    written = Written(symbols)
    for relation in derivation.domain.relations:
        written.knows(relation)
    hypotheses = _hypotheses(derivation, written, symbols)
    printer = Printer(measure, written, symbols, hypotheses)
    printer.waiting = list(range(len(entering)))
    whole = printer.visit(body, entering, "")
    run = f"(run {measure} {printer.applied('net')} {printer.shapes(entering)})"
    goals, proofs = [], []
    shape = formula if isinstance(formula, tuple) else whole.leaves[0].shape
    for goal in goals_of(derivation, written, shape, formula, run):
        goals.append(goal)
        if goal.startswith("leaves"):
            proofs.append("rewrite out; lists")
        elif goal.startswith("holds"):
            proofs.append("exact good")
        elif "total" in goal:
            under = fraction(together(formula))[1]
            proofs.append(f"rewrite number; {printer.computed()}; {_value(whole, under)}")
        else:
            proofs.append("arithmetic")
    script = proofs[-1]
    for proof in reversed(proofs[:-1]):
        script = f"split; [ {proof} | {script} ]"
    lines = [
        _inhabited(derivation, written, symbols, hypotheses),
        *printer.texts,
        f"Definition net{printer.binders()} : network := {whole.term}.\n",
        f"Theorem certificate : {printer.forall().rstrip()}\n  " + " /\\\n  ".join(goals) + ".",
        f"Proof.\n  {printer.intros()}unfold net; destruct {whole.gives} as [out [number good]].\n  {script}.\nQed.",
        "",
    ]
    text = "\n".join(lines)
    if measure == "Adds":  # beside the theorem on multiplies
        named = "let statement := type of adds.certificate in exact statement"
        text = f"Module adds.\n{text}End adds.\nLemma of_adds : ltac:({named}).\nProof. exact adds.certificate. Qed.\n"
    return text


def goals_of(derivation: Derivation, written: Written, shape: Any, formula: Any, run: str) -> list[str]:
    """What a certificate states of a run: what comes out, how much it is worth, that all fits, and that quotients are what they say.

    Coq divides integers and rounds down, and by zero it gives zero; so a quotient that is not rounded is stated to be exact, and what
    something is divided by to be no zero.
    """
    plain = written.again()
    goals = [f"leaves {run} = [{listing(map(plain, shape))}]"]
    if not isinstance(formula, tuple):
        over, under = fraction(together(formula))
        goals.append(f"{plain(under)} * total (worth {run}) = {plain(over)}")
        if not under.is_Integer:
            plain.divisors[plain(under)] = None
    for item in derivation.domain:
        if not item.all_loops:
            plain.condition(item.condition.relation)
    for size in (*(size for inner in derivation.inputs for size in inner), *written.copies):
        plain(size)
    goals += [f"{over} = {under} * ({over} / {under})" for over, under in plain.exact]
    goals += [f"{under} <> 0" for under in plain.divisors]
    return [*goals, f"holds {run}"]


#: How many sizes are tried to find some for which the conditions of a domain hold.
TRIED = 400


def somewhere(derivation: Derivation, symbols: Sequence[Symbol]) -> dict[Symbol, int]:
    """Sizes in the domain of a derivation.

    Raises
    ------
    UnsupportedError
        If none are found: what is proved of no sizes says nothing.
    """
    if all(item.condition.relation is true for item in derivation.domain):
        return dict.fromkeys(symbols, 2)
    random, sizes = Random(0), (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128, 224, 256, 384, 512)
    for trial in range(TRIED):
        if trial < len(sizes):
            values = dict.fromkeys(symbols, sizes[trial])
        else:
            few = random.sample(sizes, random.randint(1, 3))
            values = {symbol: random.choice(few) for symbol in symbols}
        if derivation.domain.holds(values):
            return values
    raise UnsupportedError(
        f"no sizes were found at which the conditions of its domain hold, among {TRIED} that were tried, and a proof for no sizes would say "
        "nothing; give numbers for some of the symbols"
    )


def _inhabited(derivation: Derivation, written: Written, symbols: Sequence[Symbol], hypotheses: Sequence[str]) -> str:
    """A lemma that there are sizes of which the theorem speaks."""
    if not symbols:
        return ""
    values = somewhere(derivation, symbols)
    bound = " ".join(written.names[symbol] for symbol in symbols)
    holding = " /\\ ".join(f"({one})" for one in hypotheses) or "True"
    return (
        f"Lemma inhabited : exists {bound} : Z, {holding}.\n"
        f"Proof. exists {', '.join(str(values[symbol]) for symbol in symbols)}; repeat split; decided. Qed.\n"
    )


def _value(whole: Part, under: Expr) -> str:
    """The tactic for `under` times the value being what the formula says."""
    if not whole.sums or not under.is_Integer:
        return linear(1, {})
    factor = lcm(int(under), *(fact.under for fact in whole.sums))
    return f"apply (Z.mul_reg_l _ _ {factor // int(under)}); [ lia | {linear(factor, whole.sums)} ]"
