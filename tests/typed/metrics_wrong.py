"""Calls that a type checker refuses: every line that is marked, and no other."""

import layeralgebra as la

conv = la.Conv(8, 3)
la.macs(3)  # error
la.macs("resnet50")  # error
la.derive(3, conv)  # error
la.receptive_field(conv, on=(3, 32, 32)).sizes  # error
la.convv  # error
