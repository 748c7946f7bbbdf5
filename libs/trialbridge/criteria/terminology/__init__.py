"""Terminology as data: OncoTree, genes, drugs, laboratory tests and comorbidities, with the versions used in every verdict."""

from trialbridge.criteria.terminology.source import versions

TABLES = versions()
"""Names and versions of the tables, for example ``conditions 2026.1 drugs 2026.1 …``; written into every explanation."""
