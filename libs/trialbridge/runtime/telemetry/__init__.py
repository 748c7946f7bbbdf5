"""Structured logs without PHI, metrics from one closed list, and trace context."""
