"""Programs as source code that stands alone, in Python and in C."""
