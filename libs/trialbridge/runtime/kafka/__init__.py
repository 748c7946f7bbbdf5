"""Faust's Kafka transport with the cure for records lost when a worker joins."""
