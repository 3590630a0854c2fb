"""JAX functions and models of Equinox and Flax as formulas: counts at five sizes against those over a jaxpr traced at these sizes.

*agree* is the number of sizes at which multiply-accumulates and output shape are those of JAX, *outside* those at which what the
function asks of its sizes does not hold; *parameters* whether the learned numbers agree.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def compared(name: str, function: Any, params: Any, case: Any) -> dict[str, object]:
    """One row: a function or model, and the case that says what enters it."""
    from sympy import Integer, Symbol, false

    import layeralgebra as la
    from oracles.jaxpr_count import count_learned, count_macs, shapes_made

    example = case.structs(case.sizes()[0])
    start = time.process_time()
    try:
        net = la.from_jax(function, *example, params=params, dynamic=case.names)
        formula, shape = la.macs(net), la.output_shape(net)
    except la.LayerAlgebraError as error:
        return {"function": name, "MACs": f"refused: {str(error).splitlines()[0][:90]}"}
    seconds = time.process_time() - start
    agree = outside = 0
    for sizes in case.sizes():
        at = {Symbol(key, integer=True, positive=True): Integer(size) for key, size in sizes.items()}
        if any(relation.subs(at) == false for relation in net.imported.where):
            outside += 1
            continue
        structs = case.structs(sizes)
        made = shapes_made(case.function, case.tree, *structs)
        same_shape = len(made) > 1 or tuple(size.subs(at) for size in shape) == (made[0] or (1,))
        agree += formula.subs(at) == count_macs(case.function, case.tree, *structs) and same_shape
    learned = count_learned(case.function, case.tree, *example, buffers=case.buffers)
    return {
        "function": name, "MACs": str(formula), "agree": agree, "outside": outside, "parameters": la.parameters(net) == learned,
        "seconds": round(seconds, 2),
    }  # fmt: skip


def main() -> list[dict[str, object]]:
    sys.path.append(str(HERE.parent / "tests"))
    from oracles.jax_functions import functions
    from oracles.jax_models import models

    rows = [
        compared(name, case.function, () if case.tree is None else case.tree, case)
        for name, case in functions().items()
    ]
    return rows + [compared(name, model, None, case) for name, (model, case) in models().items()]


if __name__ == "__main__":
    for row in main():
        print(row)
