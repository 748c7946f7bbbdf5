"""Turns a person's own folder of FHIR bundles, NDJSON, HL7 v2 messages, tables and variant files into bundles that the demo can feed."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from trialbridge.contracts.errors import Misconfigured, Place
from trialbridge.contracts.ids import SourceId, TenantId, digest
from trialbridge.testkit.feeds import FHIR_JSON, HL7V2, NDJSON, PlainBundle
from trialbridge.testkit.packing import gzipped
from trialbridge.testkit.world import AS_OF

TENANT = TenantId("own-data")
_MEDIA = {
    ".json": FHIR_JSON, ".ndjson": NDJSON, ".hl7": HL7V2, ".v2": HL7V2, ".er7": HL7V2,
    ".csv": "text/csv", ".tsv": "text/csv", ".vcf": "text/vcf", ".maf": "text/maf",
}  # fmt: skip
_FEEDS = {FHIR_JSON: "fhir", NDJSON: "fhir", HL7V2: "hl7v2"}
"""Tables and variant files speak of the same patients by their numbers: they are of one feed."""


def local_bundles(folder: Path, as_of: date = AS_OF) -> list[PlainBundle]:
    """Return one gzip bundle for each record file under ``folder``, in the order of their names.

    The source is the first subfolder's name, or ``fhir``, ``hl7v2`` or ``tables`` for files that lie in the folder itself. Other files
    are left out. Raises `Misconfigured` ``demo.data-missing`` or ``demo.data-empty``.
    """
    if not folder.is_dir():
        raise Misconfigured(
            "demo.data-missing", "The data folder does not exist; check --data.", Place(bundle=str(folder))
        )
    found = [_bundle(folder, path, number, as_of) for number, path in enumerate(_records(folder), 1)]
    if not found:
        words = ", ".join(_MEDIA)
        raise Misconfigured(
            "demo.data-empty",
            f"The data folder holds no record files; their names end in {words}.",
            Place(bundle=str(folder)),
        )
    return found


def _records(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix.lower() in _MEDIA)


def _bundle(folder: Path, path: Path, number: int, as_of: date) -> PlainBundle:
    media = _MEDIA[path.suffix.lower()]
    inside = path.relative_to(folder)
    feed = inside.parts[0] if len(inside.parts) > 1 else _FEEDS.get(media, "tables")
    body = path.read_bytes()
    # Files are often named after patients; keys of objects are seen by everyone who runs the store.
    key = f"{TENANT}/{feed}/{number:05d}-{digest(body)[:16]}.gz"
    return PlainBundle(
        TENANT, SourceId(f"{TENANT}/{feed}"), key, media, gzipped(body), f"{as_of.isoformat()}T06:00:00Z"
    )
