"""The rules by which elements of other editions become those of R4 (`tables/fhir_changes.tsv`), by type and element."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from trialbridge.emr.fhir.elements import Edition
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows


class Rule(NamedTuple):
    """One row: what is done with an element, and with which argument (`changes.ACTIONS`)."""

    action: str
    argument: str


Rules = Mapping[str, tuple[Rule, ...]]
"""By element; those of the resource type itself under the empty name."""


@cache
def _all() -> Mapping[tuple[str, str], dict[str, tuple[Rule, ...]]]:
    found: dict[tuple[str, str], dict[str, tuple[Rule, ...]]] = {}
    for editions, path, action, argument, _ in rows("fhir_changes"):
        owner, _, element = path.rpartition(".") if "." in path else (path, "", "")
        for edition in editions.split(","):
            of = found.setdefault((edition, type_name(owner)), {})
            of[element] = (*of.get(element, ()), Rule(action, argument))
    return found


def type_name(path: str) -> str:
    """Return the name of the type at a path: ``Encounter.diagnosis`` is ``EncounterDiagnosis``."""
    return "".join(step[:1].upper() + step[1:] for step in path.split("."))


def rules_of(edition: Edition, kind: str) -> Rules:
    """Return the rules of a type."""
    return _all().get((edition, kind), {})


def touches(edition: Edition, resource: Resource) -> bool:
    """Return whether a rule is about one of a resource's own elements."""
    return any(name in resource for name in rules_of(edition, resource["resourceType"]) if name)


@cache
def renamed(edition: Edition) -> Mapping[str, str]:
    """Return the resource types that are called otherwise in R4."""
    return {
        kind: rule.argument
        for (of, kind), found in _all().items()
        for rule in found.get("", ())
        if of == edition and rule.action == "resource"
    }
