"""Adapters of the object store port: a folder and S3."""
