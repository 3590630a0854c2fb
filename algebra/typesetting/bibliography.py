"""The sources that the library cites, as BibTeX, from one file of plain data.

>>> keys_in("Vaswani et al., Attention is all you need, arXiv 1706.03762 (2017)")
['vaswani2017attention']
>>> keys_in('Zaheer, "Deep Sets", NIPS 2017; Lin, Chen, Yan, "Network In Network", ICLR 2014')
['zaheer2017sets', 'lin2014network']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from ..arguments import as_elements, checked, shown
from ..errors import FieldError

_ENTRY = re.compile(r"@(\w+)\{([\w:-]+),\n(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+) = \{(.*)\},?$", re.MULTILINE)
_ARXIV = re.compile(r"\b(\d{4}\.\d{4,5})\b")


@checked
def bibliography(keys: Iterable[str] | None = None) -> str:
    r"""The sources that the library cites, as BibTeX.

    Parameters
    ----------
    keys : iterable of str, optional
        Those of some only, such as ``["vaswani2017attention"]``; all, if left out. A text with sources in it is searched for them.

    Returns
    -------
    str

    Raises
    ------
    FieldError
        If there is no source with such a key.

    Examples
    --------
    >>> from layeralgebra import bibliography
    >>> print(bibliography(["ba2016layer"]))
    @misc{ba2016layer,
      author = {Ba and Kiros and Hinton},
      title = {{Layer Normalization}},
      year = {2016},
      eprint = {1607.06450},
      archiveprefix = {arXiv}
    }
    <BLANKLINE>
    """
    known = _entries()
    if keys is None:
        return "\n".join(known.values())
    wanted = keys_in(keys) if isinstance(keys, str) else as_elements(keys, "keys")
    unknown = [key for key in wanted if key not in known]
    if unknown:
        raise FieldError(f"there is no source {shown(unknown[0])}; bibliography() has all of them")
    return "\n".join(known[key] for key in dict.fromkeys(wanted))


def keys_in(text: str) -> list[str]:
    """The keys of the sources that a text names, by their number at arXiv, their title, or authors with the year; in its order."""
    plain = _plain(text)
    found: dict[str, int] = {}
    for key, (numbers, title, authors, year) in _known().items():
        places = [text.find(number) for number in numbers if number in text]
        if title in plain:
            places.append(plain.find(title))
        elif not places and authors and year in plain:
            places += _named(plain, authors, year)
        if places:
            found[key] = min(places)
    return sorted(found, key=lambda key: found[key])


def _named(plain: str, authors: list[str], year: str) -> list[int]:
    """Where all authors (of more than two the first) stand close before the year."""
    listed = [re.escape(author) for author in (authors if len(authors) <= 2 else authors[:1])]
    pattern = r"\b" + r"\b.{0,8}\b".join(listed) + rf"\b(?:(?!\d{{4}}|;)[^;]){{0,60}}\b{year}\b"
    return [match.start() for match in re.finditer(pattern, plain)]


@cache
def _entries() -> Mapping[str, str]:
    text = files(__package__).joinpath("references.bib").read_text(encoding="utf-8")
    return {match[2]: match[0] + "\n" for match in _ENTRY.finditer(text)}


@cache
def _known() -> Mapping[str, tuple[list[str], str, list[str], str]]:
    found = {}
    for key, entry in _entries().items():
        fields = dict(_FIELD.findall(entry))
        authors = [_plain(name) for name in fields.get("author", "").split(" and ") if name != "others"]
        found[key] = (_ARXIV.findall(fields.get("eprint", "")), _plain(fields["title"]), authors, fields["year"])
    return found


def _plain(text: str) -> str:
    """Letters and figures, without accents, commands and braces."""
    text = re.sub(r"\\[`'^\"~v]\{?(\w)\}?", r"\1", text)
    text = unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"[{}\\]", "", text).lower()
    return re.sub(r"[^\w;]+", " ", text).strip()
