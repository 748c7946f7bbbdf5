"""The trialfeed service."""
