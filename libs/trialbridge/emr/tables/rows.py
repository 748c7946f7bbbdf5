"""Reads the record room's tables: tab-separated text, ``#`` starts a comment line."""

from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

WIDTHS: Final = {
    "answers": 4,
    "ccda_categories": 3,
    "ccda_codes": 3,
    "ccda_dropped": 3,
    "ccda_elements": 5,
    "ccda_kinds": 5,
    "ccda_narrative": 3,
    "ccda_relations": 3,
    "ccda_statements": 3,
    "ccda_systems": 3,
    "clinical_limits": 3,
    "clinical_words": 3,
    "code_systems": 2,
    "csv_codes": 3,
    "csv_columns": 6,
    "csv_extensions": 2,
    "csv_layouts": 3,
    "csv_other_columns": 2,
    "csv_products": 6,
    "disease_codes": 4,
    "fhir_changes": 5,
    "fhir_dstu2": 2,
    "fhir_elements": 3,
    "fhir_profiles": 2,
    "fhir_retractions": 4,
    "genomics_chromosomes": 3,
    "genomics_consequences": 4,
    "genomics_words": 3,
    "observations": 5,
    "patient_paths": 3,
    "procedure_kinds": 4,
    "required_codes": 2,
    "required_concepts": 3,
    "statuses": 4,
    "ucum_atoms": 2,
    "v2_charsets": 2,
    "v2_codes": 3,
    "v2_dropped": 3,
    "v2_events": 4,
    "v2_guide": 5,
    "v2_segments": 7,
    "v2_systems": 2,
    "v2_values": 4,
    "v2_variants": 2,
}
"""Every table and how many columns it has: a row with more is a mistake that a test finds."""


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of ``name``.tsv, each padded to the table's width."""
    text = files("trialbridge.emr.tables").joinpath(f"{name}.tsv").read_text("utf-8")
    cells = (tuple(line.split("\t")) for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(row + ("",) * (WIDTHS[name] - len(row)) for row in cells)


@cache
def pairs(name: str) -> dict[str, str]:
    """Return a table of two columns."""
    return {row[0]: row[1] for row in rows(name)}


@cache
def triples(name: str) -> dict[tuple[str, str], str]:
    """Return a table's third column by its first two."""
    return {(row[0], row[1]): row[2] for row in rows(name)}


@cache
def observation_kinds() -> dict[tuple[str, str], tuple[str, str]]:
    """Return kind of fact and argument by system word and code."""
    return {(system, code): (kind, argument) for system, code, kind, argument, _ in rows("observations")}


@cache
def statuses() -> dict[tuple[str, str], dict[str, str]]:
    """Return how each code of a status reads, by resource type and element; ``-`` is no code at all."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for kind, element, code, reading in rows("statuses"):
        found.setdefault((kind, element), {})[code] = reading
    return found


@cache
def answers() -> dict[tuple[str, str], str]:
    """Return the word that facts use by set and answer (lower case)."""
    return triples("answers")


@cache
def listed(name: str) -> frozenset[str]:
    """Return the words of a set of `clinical_words.tsv`."""
    return frozenset(word for of, word, _ in rows("clinical_words") if of == name)


@cache
def limit(name: str) -> Decimal:
    """Return a number of `clinical_limits.tsv`."""
    return Decimal(pairs("clinical_limits")[name])
