"""What runs a program: Python's integers, NumPy, numba, PyTorch and JAX."""
