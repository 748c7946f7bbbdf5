"""The coatcheck service."""
