"""Adapters of the key service port."""
