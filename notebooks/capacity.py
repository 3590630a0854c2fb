# %% [markdown]
# # Where a network spends its parameters
#
# Capacity allocation of linear networks (Donier, [arXiv:1902.04485](https://arxiv.org/abs/1902.04485)), its propagation through layers
# ([1902.08572](https://arxiv.org/abs/1902.08572)), its deep limit ([1903.04455](https://arxiv.org/abs/1903.04455)), and the persistent
# homology of a network's graph ([2101.07752](https://arxiv.org/abs/2101.07752)). Definitions are reconstructions from the papers' statements; each result says so in `source`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy

import layeralgebra as la

# %% [markdown]
# ## Allocation, from the equations
#
# The Jacobian of the predictor by the weights is read from the equations of the layers. Its rank is the total capacity, the diagonal of
# the projector onto its columns the capacity of each input.

# %%
net = la.Input(1, 7) >> la.Conv(1, 3) >> la.Conv(1, 3) >> la.Conv(1, 3)
found = la.capacity_allocation(net)
print(la.parameters(net), "parameters;", found.total, "independent;", found.spatial.round(9))

# %% [markdown]
# At symbolic sizes the answer is a closed form, derived from how the windows compose.

# %%
k, m, N, L = la.dims("k m N L")
l = sympy.Symbol("l", integer=True, nonnegative=True)
pooled = la.capacity_allocation(la.AvgPool(k) >> la.Flatten() >> la.Linear(1), on=(1, k * m))
print("pooled: total", pooled.total, "each input", pooled.spatial)
dilated = la.capacity_allocation(la.Repeat(la.Conv(1, 2, dilation=2**l, padding="causal"), L, l), on=(1, N))
print("dilated: total", dilated.total)
dilated.spatial

# %% [markdown]
# ## Classical architectures on Gaussian-process tasks
#
# Each task is to predict the next value of a stationary process from its last 32 values, observed with noise. What the task *needs* of a
# value is what the loss rises by without it. Each architecture is fitted by least squares, and its capacity allocated where the fit ended.

# %%
from layeralgebra.layers.zoo.studies.tasks import TASKS, architectures, compare

fits = compare(32)
names, tasks = list(architectures(32)), list(TASKS)
table = {(fit.task.name, fit.architecture.name): fit for fit in fits}
figure, axes = plt.subplots(len(names) + 1, len(tasks), figsize=(11, 10), sharex=True)
for column, task in enumerate(tasks):
    first = table[task, names[0]].task
    axes[0, column].bar(range(32), first.needs, color="tab:red")
    axes[0, column].set_title(f"{task}\nbest loss {first.least_loss:.3f}", fontsize=9)
    for row, name in enumerate(names, start=1):
        fit = table[task, name]
        axes[row, column].bar(range(32), fit.spatial, color="tab:blue")
        axes[row, column].set_ylim(0, 1.05)
        axes[row, column].text(0.03, 0.72, f"loss {fit.loss:.3f}", transform=axes[row, column].transAxes, fontsize=8)
for row, name in enumerate(["needed", *names]):
    axes[row, 0].set_ylabel(name, fontsize=9)
figure.suptitle("Capacity of the last 32 values (the latest on the right)")
figure.tight_layout()
plt.show()

# %% [markdown]
# A dense layer can place a parameter anywhere and always reaches the best loss. The plain convolutions see nine values: where the
# periodic task needs values half a period back, they lose most. The dilated stack reaches 32 values with six parameters, and the loss says how well
# its product form fits. The pyramid and the recurrence spread few parameters over all values and come close to the best everywhere.

# %% tags=["varies"]
share = np.array([[table[task, name].explained for task in tasks] for name in names])
print(f"{'':14}" + "".join(f"{task:>14}" for task in tasks) + f"{'independent':>14}")
for name, row in zip(names, share):
    print(f"{name:14}" + "".join(f"{value:14.1%}" for value in row) + f"{table['periodic', name].total:14}")

# %% [markdown]
# ## Propagation, and its deep limit
#
# In the totally decoupled limit capacity moves backwards as a random walk. With depth, residual blocks whose branch is scaled by
# $c/\sqrt L$ tend to a jump process; diffusion is its large-scale approximation.

# %%
a, b = sympy.symbols("a b", positive=True)
block = la.Identity() + la.Conv(1, 3, padding=1, bias=False)
found = la.capacity_propagation(block**L, on=(1, N), taps={"*.1.W": [[[[a, b, a]]]]})
found.variance[0]

# %%
scaling = la.scaling_exponent(block, on=(1, 9), taps={"1.W": [[[[a, b, a]]]]})
print("exponent", scaling.exponent, scaling.verdict, "by the", scaling.deciding, "limit", scaling.limits["variance"])
for alpha in ("1/4", "1/2", "1"):
    print(alpha, la.scaling_exponent(block, alpha, on=(1, 9)).verdict)

# %%
kernel = {"1.W": [[[[sympy.Rational(1, 2), sympy.Rational(7, 10), sympy.Rational(1, 2)]]]]}
limit = la.capacity_deep_limit(block, 3, on=(1, 9), taps=kernel)
print("drift", limit.drift, " diffusion", limit.diffusion, " variance", limit.variance())
for depth in (10, 100, 1000):
    error = limit.error(depth)
    print(
        f"L = {depth:5}: to the jump process {error.jump:.4f} (bound {error.bound:.4f}), to the diffusion {error.diffusion:.4f}"
    )
reach = 8
places = np.arange(-reach, reach + 1)
plt.figure(figsize=(7, 3))
plt.bar(places - 0.25, limit.layer_distribution(100, reach), width=0.25, label="100 layers")
plt.bar(places, limit.jump_distribution(reach), width=0.25, label="jump process")
plt.bar(places + 0.25, limit.diffusion_distribution(reach), width=0.25, label="diffusion")
plt.xlabel("offset")
plt.ylabel("capacity")
plt.legend()
plt.show()

# %% [markdown]
# ## Topology: perceptrons on digits
#
# Perceptrons trained on scikit-learn's digits. Within a block only the seed differs (the control); the blocks differ in width, and in one of them the
# pixels come in another order. The distance is that of the heat vectors of the persistence diagrams.

# %% tags=["varies"]
import warnings

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")
images, labels = load_digits(return_X_y=True)
images = images / 16
order = np.random.default_rng(0).permutation(64)
blocks = {"8 units": (8, False), "8, shuffled": (8, True), "24 units": (24, False), "64 units": (64, False)}
diagrams, accuracy = [], []
for width, shuffled in blocks.values():
    net = la.Linear(width) >> la.ReLU() >> la.Linear(10)
    for seed in range(4):
        inputs = images[:, order] if shuffled else images
        model = MLPClassifier((width,), max_iter=25, random_state=seed, learning_rate_init=0.01).fit(
            inputs[:1400], labels[:1400]
        )
        accuracy.append(model.score(inputs[1400:], labels[1400:]))
        (first, second), (one, two) = model.coefs_, model.intercepts_
        trained = {"0.W": first.T, "0.b": one, "2.W": second.T, "2.b": two}
        diagrams.append(la.persistent_homology(net, trained, on=(64,)))
print(diagrams[0].route, "-", diagrams[0].reason)
print("accuracy", np.round(np.reshape(accuracy, (4, 4)).mean(axis=1), 3))

# %% tags=["varies"]
from layeralgebra.algebra.topology.similarity import distance_matrix

distances = distance_matrix(diagrams)
plt.figure(figsize=(5, 4))
plt.imshow(distances)
plt.colorbar(label="distance")
plt.xticks(np.arange(4) * 4 + 1.5, list(blocks), fontsize=8)
plt.yticks(np.arange(4) * 4 + 1.5, list(blocks), fontsize=8)
plt.show()
means = distances.reshape(4, 4, 4, 4).sum(axis=(1, 3)) / np.where(np.eye(4) == 1, 12, 16)
for name, row in zip(blocks, means):
    print(f"{name:12}" + "".join(f"{value:10.2f}" for value in row))
