"""What is said where egglog, which does the rewriting, is not installed."""

from __future__ import annotations

import sys

import pytest

import layeralgebra as la


@pytest.mark.parametrize("ask", [lambda net: la.rewrite(net, on=(2,)), lambda net: la.equal(net, net, on=(2,))])
def test_the_extra_is_named_in_one_line(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "egglog", None)
    with pytest.raises(la.UnsupportedError) as caught:
        ask(la.Linear(3))
    assert str(caught.value) == "this needs egglog, which is not installed: pip install 'layeralgebra[rewrite]'"
