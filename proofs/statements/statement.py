"""What a law says: variables with their domains, hypotheses, and two sides in a relation.

>>> from layeralgebra.proofs.statements.term import Var
>>> n, s = Var("n"), Var("s", least=1)
>>> stated = Statement((n, s), (), (), (n * s // s,), "=", (n,))
>>> stated
for all integers n, s >= 1: n*s//s = n
>>> stated.instance({"n": n + 1}).goal
(n + 1)*s//s = n + 1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...algebra.errors import FieldError
from ...algebra.records import dataclass
from .term import RELATIONS, And, Apply, Const, Formula, Iff, Node, Relation, Term, Var, free_names, substitute, walk

#: What may stand between the two sides: a relation of terms, or between formulas ``iff``.
SIGNS = (*RELATIONS, "iff")


@dataclass(frozen=True, slots=True, repr=False)
class Statement:
    """For all variables and sequences with the hypotheses: every left side stands in the relation to its right one.

    Attributes
    ----------
    variables : tuple of Var
        Integers, each with the least that it may be.
    sequences : tuple of str
    hypotheses : tuple of Formula
    left, right : tuple of Term, or of Formula where the relation is ``iff``
        As many on both sides.
    relation : str
        ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=`` or ``iff``.

    Raises
    ------
    FieldError
        If there is no such relation, the sides do not match it or each other, or a name is declared twice or not at
        all.

    Examples
    --------
    >>> from layeralgebra.proofs.statements.term import Var
    >>> n = Var("n", least=1)
    >>> Statement((n,), (), (), (n + 1,), ">", (n,))
    for all integers n >= 1: n + 1 > n
    """

    variables: tuple[Var, ...]
    sequences: tuple[str, ...]
    hypotheses: tuple[Formula, ...]
    left: tuple[Node, ...]
    relation: str
    right: tuple[Node, ...]

    def __post_init__(self) -> None:
        if self.relation not in SIGNS:
            raise FieldError(f"{self.relation!r} is no relation; a law has one of {', '.join(SIGNS)}")
        if len(self.left) != len(self.right) or not self.left:
            raise FieldError(f"the left side has {len(self.left)} components and the right side {len(self.right)}")
        wanted = Formula if self.relation == "iff" else Term
        for side in (*self.left, *self.right):
            if not isinstance(side, wanted):
                raise FieldError(f"{side!r} is no {wanted.__name__.lower()}, as {self.relation!r} asks for")
        names = [variable.name for variable in self.variables] + list(self.sequences)
        if len(set(names)) != len(names):
            raise FieldError(f"names are declared twice: {', '.join(names)}")
        self._check_names()

    def _check_names(self) -> None:
        declared = {variable.name: variable for variable in self.variables}
        for node in (*self.hypotheses, *self.left, *self.right):
            unknown = free_names(node) - set(declared)
            if unknown:
                raise FieldError(f"{node!r} uses undeclared variables: {', '.join(sorted(unknown))}")
            for one in walk(node):
                if isinstance(one, Apply) and one.function not in self.sequences:
                    raise FieldError(f"{node!r} uses the undeclared sequence {one.function}")
                if isinstance(one, Var) and one.least is not None and declared.get(one.name) != one:
                    raise FieldError(f"{one.name} is declared with another domain than {node!r} uses")

    @property
    def bounds(self) -> tuple[Formula, ...]:
        """The domains of the variables as formulas."""
        return tuple(Const(one.least) <= one for one in self.variables if one.least is not None)

    @property
    def assumptions(self) -> tuple[Formula, ...]:
        """Domains and hypotheses: everything that may be used."""
        return self.bounds + self.hypotheses

    @property
    def goals(self) -> tuple[Formula, ...]:
        """One formula for each component."""
        return tuple(_joined(a, self.relation, b) for a, b in zip(self.left, self.right, strict=True))

    @property
    def goal(self) -> Formula:
        """All components in one formula."""
        return self.goals[0] if len(self.goals) == 1 else And(self.goals)

    def instance(self, values: Mapping[str, Term]) -> Statement:
        """The statement at given terms; variables of those terms count as declared, and domains become hypotheses."""
        unknown = set(values) - {variable.name for variable in self.variables}
        if unknown:
            raise FieldError(f"no variables {', '.join(sorted(unknown))} in: {self!r}")
        kept = {one.name: one for one in self.variables if one.name not in values}
        arriving = {one.name: one for term in values.values() for one in walk(term) if isinstance(one, Var)}
        bounds = tuple(
            Const(one.least) <= values[one.name]
            for one in self.variables
            if one.name in values and one.least is not None
        )

        def put(nodes: tuple) -> tuple:
            return tuple(substitute(node, values) for node in nodes)

        return replace(
            self,
            variables=tuple({**kept, **arriving}.values()),
            hypotheses=bounds + put(self.hypotheses),
            left=put(self.left),
            right=put(self.right),
        )

    def __repr__(self) -> str:
        names = [one.name if one.least is None else f"{one.name} >= {one.least}" for one in self.variables]
        said = [f"integers {', '.join(names)}"] if names else []
        if self.sequences:
            said.append(f"sequences {', '.join(self.sequences)}")
        given = f" with {' and '.join(map(repr, self.hypotheses))}" if self.hypotheses else ""
        start = f"for all {' and '.join(said)}{given}: " if said else ""
        return start + "; ".join(map(repr, self.goals))


def _joined(left: Node, relation: str, right: Node) -> Formula:
    if relation == "iff":
        assert isinstance(left, Formula) and isinstance(right, Formula)
        return Iff((left, right))
    assert isinstance(left, Term) and isinstance(right, Term)
    return Relation(relation, left, right)
