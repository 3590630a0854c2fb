"""PyTorch's operators that no equation describes: sorts, transforms, what is written at places that the data say."""

from __future__ import annotations

from typing import Any

from ....algebra.sizes.normal_form import simplify
from ...importers.arrays import opaque
from ..translator import Translator, is_size, rule

_OPAQUE = (
    "sort", "argsort", "topk", "kthvalue", "median", "nanmedian", "mode", "msort", "searchsorted", "bucketize", "scatter", "scatter_add", "scatter_reduce",
    "index_put", "_index_put_impl", "index_add", "index_copy", "index_fill", "index_reduce", "masked_scatter", "histc", "cummax", "cummin",
    "logcumsumexp", "fft_fft", "fft_ifft", "fft_rfft", "fft_irfft", "fft_hfft", "fft_ihfft", "fft_fft2", "fft_ifft2", "fft_rfft2", "fft_irfft2", "fft_fftn",
    "fft_ifftn", "fft_rfftn", "fft_irfftn", "stft", "istft", "view_as_complex", "view_as_real", "complex", "polar", "imag", "angle",
    "linalg_inv_ex", "linalg_inv", "inverse", "linalg_det", "det", "_linalg_det", "linalg_cholesky_ex", "linalg_cholesky", "cholesky", "linalg_qr",
    "linalg_svd", "_linalg_svd", "linalg_svdvals", "linalg_eigh", "_linalg_eigh", "linalg_solve", "_linalg_solve_ex", "linalg_solve_ex",
    "linalg_solve_triangular", "triangular_solve", "linalg_lstsq", "linalg_pinv", "linalg_slogdet", "_linalg_slogdet", "logdet", "slogdet",
    "linalg_matrix_exp", "max_unpool2d", "max_unpool3d", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "multinomial", "bernoulli", "isin",
)  # fmt: skip


@rule(*_OPAQUE)
def _opaque(t: Translator, node: Any) -> None:
    """Every result is a step of its own, of the shape that PyTorch recorded."""
    name = node.target.__name__.split(".")[0].strip("_")
    values = [t.value(part) for part in dict.fromkeys(node.all_input_nodes) if not is_size(part)]
    found = node.meta["val"]
    if not isinstance(found, (tuple, list)):
        return t.keep(node, opaque(t, name, values, t.shape(node), node.name))
    t.parts[node.name] = [
        opaque(t, name, values, tuple(simplify(t.sizes(size)) for size in part.shape), f"{node.name}_{place}")
        for place, part in enumerate(found)
    ]
    return None
