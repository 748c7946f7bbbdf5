"""Which tables a conversion was made with, for replay."""

import hashlib
from importlib.resources import files

from trialbridge.emr import tables


def _version(name: str) -> str:
    return f"{name}@{hashlib.sha256(files(tables).joinpath(name).read_bytes()).hexdigest()[:8]}"


TABLES = " ".join(_version(name) for name in ("answers.tsv", "code_systems.tsv", "observations.tsv", "r4.json"))
"""Names of the tables with the first 8 hex digits of their digests."""
