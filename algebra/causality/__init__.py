"""Causal layers token by token: when their elements are settled, what a step keeps, and the step as a layer."""

HANDS_ON = {"incremental": ("Incremental", "incremental")}
