"""Who imports whom: every import of the sources, those inside functions and for type checkers too, held against the floors.

``python tests/structure.py`` prints what is wrong and exits with 1 if there is anything.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import networkx

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("algebra", "layers", "proofs", "layeralgebra")

#: The parts of each folder, from the ground up; what stands in one row imports nothing of its row. A star is every part not named.
FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    "layeralgebra": (("algebra",), ("layers",), ("proofs",), ("layeralgebra",)),
    "layeralgebra.algebra": (
        ("errors", "handing_on", "records"),
        ("arguments", "writing"),
        ("sizes", "typesetting"),
        ("formulas",),
        ("equations", "compilation"),
        ("networks", "solving", "sweeps"),
        ("derivations", "regions", "numerics"),
        ("adjoints", "causality", "movement"),
        ("metrics", "linear", "documents", "plots", "diagrams"),
        ("capacity", "topology", "reports"),
    ),
    "layeralgebra.proofs": (
        ("verdict", "enumeration", "statements", "theorems"),
        ("law",),
        ("lowering", "samples"),
        ("rules",),
        ("printers",),
        ("provers",),
        ("checks",),
        ("laws",),
        ("report", "export", "saturation", "certificates"),
        ("testing",),
    ),
    "layeralgebra.layers": (("*",), ("compositions", "importers"), ("jax", "keras", "onnx", "torch", "zoo")),
    "layeralgebra.algebra.compilation": (("program",), ("backends",), ("interface",), ("source",)),
}


def module_name(path: Path, root: Path = ROOT) -> str:
    """The dotted name under which a source file is imported."""
    words = path.relative_to(root).with_suffix("").parts
    words = words[:-1] if words[-1] == "__init__" else words
    return ".".join(words if words[0] == "layeralgebra" else ("layeralgebra", *words))


def read_sources(root: Path = ROOT) -> dict[str, tuple[str, bool]]:
    """The text of every module by its name, and whether it is a package's ``__init__``."""
    return {
        module_name(path, root): (path.read_text(encoding="utf-8"), path.stem == "__init__")
        for part in PARTS for path in sorted((root / part).rglob("*.py"))
    }  # fmt: skip


@cache
def imported(source: str, module: str, is_package: bool) -> tuple[tuple[int, str], ...]:
    """Line and full dotted name of everything that a module imports anywhere, lazily or not."""
    return tuple(_imported(source, module, is_package))


def _imported(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    here = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            start = ".".join(above + ([node.module] if node.module else []))
            yield from ((node.lineno, f"{start}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HANDS_ON":
            yield from ((node.lineno, resolve_name(f".{file}", module)) for file in ast.literal_eval(node.value))


def arrows(sources: Mapping[str, tuple[str, bool]]) -> networkx.DiGraph:
    """An arrow for each import of one of our modules by another, with the lines on which it stands."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(sources)
    for module, (text, is_package) in sources.items():
        for line, name in imported(text, module, is_package):
            while name and name not in sources:
                name = name.rpartition(".")[0]
            if name and name != module:
                graph.add_edge(module, name)
                graph.edges[module, name].setdefault("lines", []).append(line)
    return graph


def arrows_up(graph: networkx.DiGraph, floors: Mapping[str, tuple[tuple[str, ...], ...]] = FLOORS) -> list[str]:
    """Imports that do not go down: to a higher floor, to the neighbour on the same one, or from a part on no floor."""
    wrong = []
    for package, rows in floors.items():
        inside = [name for name in graph if name.rpartition(".")[0] == package and package != "layeralgebra"]
        floor = {f"{package}.{name}": number for number, row in enumerate(rows) for name in row}
        if f"{package}.*" in floor:
            floor |= dict.fromkeys(set(inside) - set(floor), floor[f"{package}.*"])
        if package == "layeralgebra":  # the front door is the rest of this package
            floor = {name.removesuffix(".layeralgebra"): number for name, number in floor.items()}
        for a, b, data in graph.edges(data=True):
            from_, to = _part(a, floor), _part(b, floor)
            if from_ is not None and to is not None and from_ != to and floor[from_] <= floor[to]:
                wrong.append(f"{a}:{data['lines'][0]} imports {b}, which is not below it")
        wrong += [f"{name} stands on no floor of {package}" for name in inside if name not in floor]
    return wrong


def _part(module: str, floor: Mapping[str, int]) -> str | None:
    """The part to which a module belongs: the longest name that it begins with."""
    words = module.split(".")
    names = (".".join(words[:count]) for count in range(len(words), 0, -1))
    return next((name for name in names if name in floor), None)


def circles(graph: networkx.DiGraph) -> list[str]:
    """Files that import each other, directly or around a corner; a package counts as its ``__init__``."""
    return [" <-> ".join(sorted(group)) for group in networkx.strongly_connected_components(graph) if len(group) > 1]


def top_level(sources: Mapping[str, tuple[str, bool]]) -> list[str]:
    """Imports of our folders from the top level, where the user's own modules of these names may be."""
    return [
        f"{module}:{line} imports {name} from the top level"
        for module, (text, is_package) in sources.items() for line, name in imported(text, module, is_package)
        if name.partition(".")[0] in PARTS[:-1]
    ]  # fmt: skip


def main() -> int:
    sources = read_sources()
    graph = arrows(sources)
    wrong = [*arrows_up(graph), *(f"circle: {circle}" for circle in circles(graph)), *top_level(sources)]
    print("\n".join(wrong) or f"{len(graph)} modules: every import goes down, and none goes in a circle")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
