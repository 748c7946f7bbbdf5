"""``docs/mapping.schema.json``: the mapping file of a feed, as JSON Schema."""

from pathlib import Path

from infra.generate.trial_schema import DRAFT, as_text
from trialbridge.emr.csv.mapping import schema


def render(_root: Path) -> str:
    """Return the schema as JSON text."""
    return as_text({"$schema": DRAFT, **schema()})
