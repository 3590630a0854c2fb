"""What is asked of the published networks together: a table of them, accuracy beside metrics, and synthetic tasks.

These files are no families; `zoo.build` does not load them, nor the numerical library that they need.
"""
