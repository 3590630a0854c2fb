"""Calculating with networks: equality saturation with the laws of `proofs.laws` as rules, and what comes of it.

A network is read as a graph of values (`values`), saturated by egglog (`saturate`), the cheapest of the equal ones is taken out
(`extraction`) and written as a network again (`building`). `rewrite` and `equality` are what a user calls.
"""
