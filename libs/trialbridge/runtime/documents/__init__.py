"""Adapters of the document store port: SQLite and MongoDB, with one codec for both."""
