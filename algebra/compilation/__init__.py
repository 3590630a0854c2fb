"""From formulas to functions: flat programs of integer operations, bounds that show what fits, and backends that run them."""
