"""Terminology as data: OncoTree, genes, drugs, laboratory tests and comorbidities, with the versions used in every verdict."""

from trialbridge.criteria.terminology.source import Table, use, versions

__all__ = ["Table", "use", "versions"]
