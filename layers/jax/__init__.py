"""JAX functions: the importer."""
