"""What a law's own Coq script may be: tactics, and nothing that speaks to Coq itself.

A command (``Abort``, ``Notation``, ``Axiom``, ``Import``, ``Set``, ``Unset``, ``Admitted``) begins with a capital letter or an
attribute; a script is therefore read sentence by sentence, and each has to begin with a tactic from a closed list.

>>> objection("rewrite Z.add_comm; ring.")
''
>>> objection("Abort. Theorem injected : True. Proof. exact I.")
"'Abort' is no tactic of a law's script"
"""

from __future__ import annotations

import re

TACTICS = frozenset(
    "apply arithmetic assert assumption auto cbn cbv change congruence constructor defined destruct discriminate do easy eapply eauto"
    " eassumption exact exists f_equal field fold generalize idtac induction injection intro intros inversion left lia lra match"
    " nia now nra pattern pose reflexivity refine remember rename repeat replace revert rewrite right ring ring_simplify set"
    " simpl specialize split subst symmetry transitivity trivial try unfold zify".split()
)
LONGEST = 20_000
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*\Z")
_FORBIDDEN = ("(*", "*)", '"', "#[", "`", "\\(")
_SENTENCE_END = re.compile(r"\.(?=\s|$)")
_BEFORE = re.compile(r"(?:\s|[-+*{}]|(?:all|\d+(?:\s*[,-]\s*\d+)*)\s*:|!\s*:)*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_']*")
#: Words that leave a proof open, or reach for commands from within a tactic.
_NEVER = re.compile(
    r"\b(admit|give_up|shelve|abstract|transparent_abstract|native_compute|vm_compute|Admitted|Abort|Qed|Defined)\b"
)


def objection(script: str) -> str:
    """Why a script is not accepted, or an empty text."""
    if len(script) > LONGEST:
        return f"a law's script has at most {LONGEST} characters"
    if not _PLAIN.match(script):
        return "a law's script is plain ASCII"
    for mark in _FORBIDDEN:
        if mark in script:
            return f"a law's script has no {mark!r}: neither comments nor strings nor attributes"
    if found := _NEVER.search(script):
        return f"{found.group()!r} is no tactic of a law's script"
    pieces = _SENTENCE_END.split(script)
    if pieces[-1].strip(" \t\n-+*{}"):
        return "a law's script ends with a full stop"
    for sentence in pieces[:-1]:
        rest = sentence[_BEFORE.match(sentence).end() :].lstrip("( \t\n[")  # type: ignore[union-attr]
        word = _WORD.match(rest)
        if word is None or word.group() not in TACTICS:
            return f"{(rest[:20] if word is None else word.group())!r} is no tactic of a law's script"
    return ""
