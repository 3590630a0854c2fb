"""Layers, networks and integers to try laws on, drawn by hypothesis, and the laws that are tried on them."""
