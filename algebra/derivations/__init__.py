"""Metrics and their derivations: formulas with reasons, node by node and stage by stage."""

from ..handing_on import handed_on

HANDS_ON = {
    "derivation": ["Derivation", "Derivations"],
    "domain": ["Domain"],
    "metric": ["METRICS", "Metric", "derive", "metrics"],
    "stages": ["stage_table", "stages_of"],
    "tables": ["compare", "node_table"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
