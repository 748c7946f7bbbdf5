"""The patients in files: one file by itself, or the lines and messages of a folder together, as a server exported them."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from services.cli.inputs import HEAD, Troubles, read_input
from trialbridge.contracts.ids import NetworkId, RecordId, SourceId, TenantId
from trialbridge.criteria.facts import PatientFacts
from trialbridge.emr.convert import convert
from trialbridge.emr.csv.mapping import FeedMapping
from trialbridge.emr.facts import facts_of
from trialbridge.emr.files import RECEIVED, read_patients
from trialbridge.emr.records import Entry, Feed
from trialbridge.emr.sniff import CCDA, CSV, HL7V2, MAF, NDJSON, VCF, media_type_of

TABLES: Final = (CSV, VCF, MAF)
TOGETHER: Final = (NDJSON, HL7V2, CCDA, CSV)
"""Formats whose files do not stand alone: a bulk export has a file for each resource type, a feed one for each message or document,
a registry's extract one for each kind of table, beside the variant files of the same patients (they count as ``CSV`` here)."""


def batches_of(files: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Return the files in the groups that must be read together: NDJSON, v2, C-CDA and tables of one folder; any other by itself."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in files:
        kind = _kind(path) if len(files) > 1 else ""
        groups.setdefault((path.parent, kind) if kind in TOGETHER else (path, ""), []).append(path)
    return [tuple(group) for group in groups.values()]


def _kind(path: Path) -> str:
    """Return the format of a file that holds resources or messages; empty for facts and what cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return ""
    facts = b'"facts"' in head and b'"resourceType"' not in head
    found = "" if facts else media_type_of(path.name, head)
    return CSV if found in TABLES else found


def patients_in(
    batch: Sequence[Path], troubles: Troubles, mapping: FeedMapping | None = None
) -> Iterator[PatientFacts]:
    """Yield the patients of files that belong together; what could not be read goes to ``troubles``."""
    if len(batch) > 1:
        yield from _joined(batch, troubles, mapping)
        return
    for path in batch:
        for found in read_patients(path, mapping, partial(troubles.warn, path)):
            if isinstance(found, PatientFacts):
                yield found
            else:
                troubles.note(path, str(found.error.place), found.error.code, found.error.message)


def _joined(batch: Sequence[Path], troubles: Troubles, mapping: FeedMapping | None) -> Iterator[PatientFacts]:
    bodies = {path.name: (path, body) for path in batch if (body := read_input(path, troubles)) is not None}
    entries = [Entry(name, media_type_of(name, body), body) for name, (_, body) in bodies.items()]
    source = SourceId(batch[0].parent.name)
    feed = Feed(
        NetworkId("files"), TenantId("files"), SourceId(f"files/{source}"), RECEIVED, alone=True, mapping=mapping
    )
    found = convert(entries, feed)
    for patient in found.patients:
        by_reference = facts_of(patient.resources, source, RecordId(""))
        yield PatientFacts(str(patient.local_patient), tuple(fact for facts in by_reference.values() for fact in facts))
    for aside in found.set_aside:
        named = bodies.get(aside.error.place.entry or "")
        path = named[0] if named else batch[0].parent
        troubles.note(path, str(aside.error.place), aside.error.code, aside.error.message)
