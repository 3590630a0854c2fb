# %% [markdown]
# # Does capacity go with accuracy?
#
# A family of metrics reads the capacity of a network off its architecture: layer complexity (bits of activation pattern), layer intrinsic power (how the data are widened and narrowed on their way), bounds on the VC dimension. Here they are computed for published image classifiers, and compared with the top-1 accuracy on ImageNet-1K that was published with their first weights.
#
# What follows are **correlations of ranks over a few networks**. Nothing here says that a metric makes a network accurate, and all of these metrics are bounds or reconstructions: they depend on the architecture alone, and know nothing of the data, of the training, or of the weights.

# %%
import layeralgebra as la
from layeralgebra.layers.zoo.studies import accuracy
from layeralgebra.layers.zoo.studies.comparison import comparison

rows = comparison()
print(rows.text(130))

# %% [markdown]
# ## Over all families
#
# Spearman's and Kendall's coefficients with the accuracy of the 18 networks that have a published one; in brackets the central 95 % of a bootstrap over networks. The last column is the gain over plain parameter count, from the same resamples: an interval above zero says that the metric orders these networks better than their number of parameters does.

# %%
overall = accuracy.correlations(rows)
print(overall.text(110))

# %% [markdown]
# Read from the table:
#
# * **Parameter count says next to nothing across families.** AlexNet and the VGGs have the most parameters and are far from the most accurate; MobileNet v2 is small and better than AlexNet by fifteen points. Its interval contains zero.
# * **Layer complexity goes with accuracy best** (about 0.85), and its gain over parameters has an interval above zero. It is dominated by how many ReLUs a network has, all positions counted: where the data dimension is large the bound saturates at their number.
# * **Depth alone is nearly as good**, so that complexity may owe much to counting layers. The intervals of the two overlap widely; this set of networks cannot tell them apart.
# * The bounds on the VC dimension lie between parameters and depth, as they are products of both.
# * **Intrinsic power does not tell accuracy.** All these networks map 150 528 numbers to 1000, so that the net power is the same for all, expansion and compression differ by a constant (their rows agree), and their intervals contain zero. The bottleneck takes two values only, and its coefficient is that of one network, ResNet-18, against all others; its narrow interval is no evidence.
#
# How much of this is the calendar? Later networks are deeper, have more units and were trained better. A check on that is to look within families, which were trained alike.

# %%
print(accuracy.within_families(rows).text(110))

# %% [markdown]
# Within a family everything grows together: width, depth, parameters, work. Nearly every metric then has the same order, including the parameter count, and the VGG and ResNet families cannot decide between them. With three networks a perfect order happens by chance once in six. The families with one or two published networks (DenseNet, ResNeXt, Wide ResNet, SqueezeNet) have no coefficient at all.
#
# ## How close are complexity, depth and work to each other?

# %%
from layeralgebra.layers.zoo.studies.statistics import correlate, correlation_gain

known = accuracy.with_accuracy(rows)
top1 = [row.top1 for row in known]
bits, depth, units = ([getattr(row, name) for row in known] for name in ("complexity", "depth", "macs"))
print("complexity with depth:   ", correlate(bits, depth))
print("complexity with MACs:    ", correlate(bits, units))
print("complexity gains on depth:", correlation_gain(bits, depth, top1))
print("complexity gains on MACs: ", correlation_gain(bits, units, top1))

# %% [markdown]
# ## On a slice of the data
#
# Images do not fill all 150 528 dimensions. With data on a slice of dimension d the bound no longer saturates, and layers beyond the first count less. The order of the networks hardly depends on d, and neither does the correlation, so that the conclusion does not hang on this choice.

# %%
names = [row.name for row in known]
for d in (10, 100, 1000, 10000):
    bits = [float(la.layer_complexity(la.zoo.build(name), d=d)) for name in names]
    print(f"d = {d:>5}: Spearman with top-1 {correlate(bits, top1)}")

# %% [markdown]
# ## Pictures

# %%
import io

from IPython.display import Image

picture = io.BytesIO()
accuracy.scatter(rows).savefig(picture, dpi=80)
Image(picture.getvalue())

# %% [markdown]
# ## What to take from it
#
# * Among these networks, the number of units (which layer complexity bounds) orders accuracy better than the number of parameters; that much the intervals support.
# * That complexity is better than depth is not supported: the interval of the gain contains zero. Over multiply-accumulates the gain is barely above it.
# * Expansion, compression and bottleneck do not go with accuracy here.
# * The sample is small, the networks are relatives of each other (so that a bootstrap over networks is too confident), and year and training recipe are confounded with everything.
