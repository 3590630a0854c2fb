"""Metrics and their derivations: formulas with reasons, node by node and stage by stage."""

from ..handing_on import handed_on

HANDS_ON = {
    "compare": ["compare"],
    "derivation": ["Derivation", "Derivations"],
    "domain": ["Domain"],
    "metric": ["METRICS", "Metric", "derive", "metrics"],
    "node_table": ["node_table"],
    "propositions": ["proposition_latex"],
    "stages": ["stage_table", "stages_of"],
}
__all__, __getattr__ = handed_on(__name__, HANDS_ON)
