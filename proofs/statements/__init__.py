"""What laws say: terms as trees that nothing rewrites, their values, their polynomials, their conditions."""
