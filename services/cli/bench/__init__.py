"""Seeded measurements with JSON out; ratios are against a named baseline in the same run."""
