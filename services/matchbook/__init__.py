"""The matchbook service."""
