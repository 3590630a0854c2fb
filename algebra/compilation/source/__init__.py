"""Programs as source code that stands alone, in Python, in C and in JavaScript."""
