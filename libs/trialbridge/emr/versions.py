"""Which tables a conversion was made with, for replay."""

import hashlib
from importlib.resources import files
from typing import Final

from trialbridge.emr import tables
from trialbridge.emr.tables.rows import WIDTHS


def _version(name: str) -> str:
    return f"{name}@{hashlib.sha256(files(tables).joinpath(name).read_bytes()).hexdigest()[:8]}"


TABLES: Final = " ".join(_version(name) for name in (*(f"{table}.tsv" for table in sorted(WIDTHS)), "r4.json"))
"""Names of the tables with the first 8 hex digits of their digests."""
