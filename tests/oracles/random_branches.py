"""Where the gradient of random networks goes, by Monte Carlo with a stated error.

A network is a tree: ``("conv", taps)`` has weights of random signs with these variances at its taps, ``("relu",)`` and
``("abs",)`` are activations, ``("series", parts)`` and ``("sum", [(coefficient, part), ...])`` put them together, and
``("identity",)`` is what it says. Each is run forwards and backwards in numpy on several channels, which is what makes
sums of weighted inputs normal; the energy of the gradient at a position, averaged over networks, is the share of capacity
that goes there when branches are decoupled. Nothing here knows the engine.
"""

from __future__ import annotations

import numpy as np


def forwards(tree, values, channels, draw, record):
    """The output, and in `record` what the way back needs."""
    kind = tree[0]
    if kind == "identity":
        return values
    if kind == "conv":
        taps = np.sqrt(np.asarray(tree[1], dtype=float))
        kernel = draw.standard_normal((channels, channels, len(taps))) * taps / channels**0.5
        record.append(kernel)
        reach = (len(taps) - 1) // 2
        padded = np.pad(values, ((0, 0), (reach, reach)))
        size = values.shape[1]
        return sum(kernel[:, :, tap] @ padded[:, tap : tap + size] for tap in range(len(taps)))
    if kind in ("relu", "abs"):
        slope = np.where(values > 0, 1.0, 0.0 if kind == "relu" else -1.0)
        record.append(slope)
        return values * slope
    if kind == "series":
        for part in tree[1]:
            own = []
            values = forwards(part, values, channels, draw, own)
            record.append(own)
        return values
    total = 0.0
    for coefficient, part in tree[1]:
        own = []
        total = total + coefficient * forwards(part, values, channels, draw, own)
        record.append(own)
    return total


def backwards(tree, gradient, record):
    """The gradient by the input from that by the output."""
    kind = tree[0]
    if kind == "identity":
        return gradient
    if kind == "conv":
        (kernel,) = record
        count = kernel.shape[2]
        reach = (count - 1) // 2
        padded = np.pad(gradient, ((0, 0), (reach, reach)))
        size = gradient.shape[1]
        return sum(kernel[:, :, tap].T @ padded[:, 2 * reach - tap : 2 * reach - tap + size] for tap in range(count))
    if kind in ("relu", "abs"):
        return gradient * record[0]
    if kind == "series":
        for part, own in zip(reversed(tree[1]), reversed(record), strict=True):
            gradient = backwards(part, gradient, own)
        return gradient
    return sum(
        coefficient * backwards(part, gradient, own) for (coefficient, part), own in zip(tree[1], record, strict=True)
    )


def energies(tree, seed, *, channels=8, reach=12, networks=300):
    """The energy of the gradient at positions from -reach to reach: one row for each random network."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(networks):
        record = []
        forwards(tree, draw.standard_normal((channels, 2 * reach + 1)), channels, draw, record)
        start = np.zeros((channels, 2 * reach + 1))
        start[:, reach] = draw.standard_normal(channels)
        found.append((backwards(tree, start, record) ** 2).sum(axis=0))
    return np.array(found)


def shares(rows):
    """The mean share of each position, and the standard error of it."""
    total = rows.sum(axis=1).mean()
    mean = rows.mean(axis=0) / total
    # To first order, the error of a ratio of means.
    errors = (rows - mean * rows.sum(axis=1, keepdims=True)).std(axis=0) / total / len(rows) ** 0.5
    return mean, errors


def variance(rows):
    """The variance of where the energy is about the middle, and the standard error of it."""
    reach = (rows.shape[1] - 1) // 2
    offsets = np.arange(-reach, reach + 1)
    mean = (rows @ offsets).mean() / rows.sum(axis=1).mean()
    squares, total = rows @ (offsets - mean) ** 2, rows.sum(axis=1)
    found = squares.mean() / total.mean()
    return found, (squares - found * total).std() / total.mean() / len(rows) ** 0.5
