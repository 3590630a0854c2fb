"""Layers wrongly called or written, which a type checker refuses: every line that is marked, and no other."""

import layeralgebra as la


class Scaled(la.Layer):
    factor: la.Dim
    learned: la.Flag = True
    equation = "y[*i] = factor * x[*i]"


la.Conv(8, 3, paddin=1)  # error
la.Conv("eight", 3)  # error
la.Conv(8)  # error
la.Conv(8, 3, padding=None)  # error
la.Conv(8.5, 3)  # error
la.Linear(10, bias="yes")  # error
la.ReLU(3)  # error
Scaled()  # error
Scaled("two")  # error
Scaled(2, True, 3)  # error
Scaled(2, learnt=False)  # error
Scaled(2).factors  # error
Scaled(2).factor = 3  # error
la.receptive_field(la.Conv(8, 3)).sise  # error
