"""Trials that match someone among the public Synthea and HL7 v2 samples."""
