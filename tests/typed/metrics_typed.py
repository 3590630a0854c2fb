"""Calls that a type checker accepts."""

import layeralgebra as la

conv = la.Conv(8, 3)
field: la.types.ReceptiveField = la.receptive_field(conv, on=(3, 32, 32))
derivation: la.types.Derivation = la.derive(la.macs, conv, on=(3, 32, 32))
metric: la.Metric = la.METRICS["macs"]
compiled: la.types.CompiledFormula = la.compile(derivation)
space = la.capacity.capacity_allocation
