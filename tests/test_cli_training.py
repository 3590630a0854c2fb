"""The command line on training, memory and decoding: whole outputs, 80 columns wide, and what they are against the metrics."""

from __future__ import annotations

import pytest
from test_cli import printed, run

import layeralgebra as la

DECODE = """\
gpt2

MACs of P tokens at once (exact)
  2*P*d*(L*P + 6*L*d + 25)

MACs of one token, the last of t (exact)
  2*d*(6*L*d + L*t + 25)

MACs of n tokens after them, one by one (exact)
  d*n*(L*(2*P + 12*d + n + 1) + 50)

elements kept after t tokens (exact)
  2*L*d*t

valid for all positive integers L, P, d, n, t with
  P <= 1024      axis 0 of P has 1024 elements, P are needed
  12 divides d   the extent of e must be an integer: d must be divisible by 12
  P + n <= 1024  the axis of time must hold all tokens
  t <= 1024      axis 0 of P has 1024 elements and is read at t - 1
  t >= 2         a size of k_past must be at least 1

at P = 1000, n = 24, L = 3, d = 24, t = 1024
  MACs of P tokens at once                 165 936 000 (165.936 MMACs)
  MACs of one token, the last of t         169 392
  MACs of n tokens after them, one by one  4 025 664 (4.026 MMACs)
  elements kept after t tokens             147 456
"""
MEMORY = """\
gpt2

parameters (exact)
  d*(12*L*d + 13*L + 1076)

saved activations, bytes (exact)
  4096*B*(L*d + 2*d + 4)

peak memory of a training step, bytes (exact)
  4*max(8192*B*d + 12587008*B + 12*L*d**2 + 13*L*d + 50*d,
        1024*B*L*d + 7168*B*d + 12587008*B + 12*d**2 + 63*d,
        1024*B*L*d + 13312*B*d + 12589056*B + 8*d**2 + 57*d,
        1024*B*L*d + 20480*B*d + 12589056*B + 4*d**2 + 53*d,
        14336*B*d + 12589056*B + 12*L*d**2 + 13*L*d - 4*d**2 + 44*d,
        21504*B*d + 12589056*B + 12*L*d**2 + 13*L*d - 8*d**2 + 40*d)

memory of weights, gradients and optimiser, bytes (exact)
  16*d*(12*L*d + 13*L + 1076)

valid for all positive integers B, L, d with
  12 divides d  the extent of e must be an integer: d must be divisible by 12

at B = 4, L = 3, d = 24
  parameters                                         47 496
  saved activations, bytes                           2 031 616
  peak memory of a training step, bytes              210 483 168
  memory of weights, gradients and optimiser, bytes  759 936
"""
TRAINING = """\
gpt2

parameters (exact)
  d*(12*L*d + 13*L + 1076)

training MACs (exact)
  6144*B*(L*(6*d**2 + 1024*d + 2048) + 25*d)

training FLOPs (exact)
  2048*B*(L*(36*d**2 + 6229*d + 55306) + 165*d + 5)

valid for all positive integers B, L, d with
  12 divides d  the extent of e must be an integer: d must be divisible by 12
"""
SMALL = "depth=L,features=d,vocabulary=50"


def test_decoding():
    words = ("--decode", "--prompt", "P", "--set", SMALL, "--at", "P=1000,n=24,L=3,d=24")
    assert printed("derive", "gpt2", *words, columns=80) == DECODE


def test_memory():
    words = ("--memory", "--batch", "B", "--recompute", "block", "--set", SMALL, "--at", "B=4,L=3,d=24")
    assert printed("derive", "gpt2", *words, columns=80) == MEMORY


def test_training():
    words = ("--training", "--batch", "B", "--set", SMALL)
    assert printed("derive", "gpt2", *words, columns=80) == TRAINING


def test_memory_is_what_the_metrics_say():
    net = la.zoo.build("gpt2", depth=3, features=24, vocabulary=50)
    found = printed(
        "derive",
        "gpt2",
        "--memory",
        "--batch",
        "4",
        "--recompute",
        "selective",
        "--set",
        "depth=3,features=24,vocabulary=50",
    )
    numbers = [int(line.replace(" ", "")) for line in found.splitlines() if line.replace(" ", "").isdigit()]
    options = dict(unit="bytes", batch=4, recompute="selective")
    assert numbers == [
        la.parameters(net), la.saved_activations(net, **options), la.peak_memory(net, training=True, **options), la.optimizer_memory(net),
    ]  # fmt: skip


def test_symbols_of_the_network_are_kept_apart():
    out = printed("derive", "gpt2", "--decode", "--set", "depth=n,features=p,vocabulary=t")
    assert "MACs of p1 tokens at once" in out and "MACs of n1 tokens after them" in out and "the last of t1" in out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--prompt", "3"), "--decode"),
        (("--tokens", "n"), "--decode"),
        (("--decode", "--training"), "by itself"),
        (("--decode", "--memory"), "by itself"),
        (("--decode", "--node-by-node"), "by itself"),
        (("--decode", "-m", "macs,flops"), "one metric"),
        (("--decode", "-m", "depth"), "does not add"),
        (("--decode", "-m", "mac"), "no metric"),
        (("--decode", "--prompt", "1024"), "1024 places"),
        (("--decode", "--prompt", "n+1"), "neither an integer nor a name"),
        (("--decode", "--batch", "2"), "--training or --memory"),
        (("--recompute", "block"), "--training or --memory"),
    ],
    ids=str,
)
def test_what_is_refused(words, what):
    status, out, said = run("derive", "gpt2", "--set", "depth=1", *words)
    assert status == 2 and what in said and not out
