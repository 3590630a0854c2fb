"""Networks: layers, what joins them, the walk over them, and drawings."""

from ..handing_on import handed_on

HANDS_ON = {
    "drawings": ["to_dot", "to_graphml", "to_mermaid"],
    "from_networkx": ["from_networkx"],
    "graph": ["Graph"],
    "joins": ["Add", "Concat", "Mul"],
    "layer": ["Layer"],
    "node": ["Input", "Network"],
    "ports": ["Selected"],
    "series": ["Repeat", "Series", "Shared"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
