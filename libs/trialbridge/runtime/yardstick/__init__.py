"""Measures the stage: its fast lane against plain Faust tables, the embedded log against Kafka. Used by ``trialbridge bench``."""
