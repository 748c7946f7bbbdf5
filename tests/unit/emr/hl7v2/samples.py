"""Messages of our own for tests, one of each kind that is read, all of the same made-up patient; what they become."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.hl7v2 import again, layouts, outlines, settling, templates
from trialbridge.emr.hl7v2.plans import PLANS
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed, Resource

Told = tuple[list[bytes], list[str], list[dict[str, object]], dict[str, int]]
MEDIA: Final = "x-application/hl7-v2+er7"
FEED: Final = Feed(NetworkId("lake"), TenantId("north"), SourceId("north/ehr"), "2026-06-01T06:00:00Z", alone=True)
FOLDER: Final = Path(__file__).parent / "messages"
NAMES: Final = tuple(sorted(path.stem for path in FOLDER.glob("*.hl7")))


def message(name: str, *, end: str = "\r") -> str:
    """Return a whole message, segments parted by ``end``."""
    return (FOLDER / f"{name}.hl7").read_text().replace("\n", end)


def read(text: str | bytes, feed: Feed = FEED) -> Conversion:
    """Convert messages."""
    return convert([Entry("m.hl7", MEDIA, text.encode() if isinstance(text, str) else text)], feed)


def every(found: Conversion) -> list[Resource]:
    """Return all resources of a conversion."""
    return [*(one for patient in found.patients for one in patient.resources), *found.shared]


def told(body: str) -> Told:
    """Return all that a conversion says: its resources as bytes, its errors, what became of each leaf, its warnings."""
    found = read(body)
    errors = [f"{one.error.place} {one.error.code}" for one in found.set_aside]
    return [encode(one) for one in every(found)], errors, found.leaves.details(), dict(found.warnings)


def begin_anew() -> None:
    """Forget what was learnt of earlier messages, as a new process has."""
    for one in (layouts, again, templates, settling, outlines, PLANS):
        one.forget()


def cold_and_warm_agree(texts: Sequence[str]) -> None:
    """Assert that each message says the same to a process that knows nothing, one that met those before it, and one that met all."""
    cold = []
    for text in texts:
        begin_anew()
        cold.append(told(text))
    begin_anew()
    assert [told(text) for text in texts] == cold
    assert [told(text) for text in texts] == cold


def of_type(found: Conversion, kind: str) -> list[Resource]:
    """Return the resources of a type."""
    return [one for one in every(found) if one["resourceType"] == kind]


def references_in(value: Any) -> Iterator[str]:
    """Yield all references to other resources in a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "reference" and isinstance(inner, str) and inner[0] != "#":
                yield inner
            else:
                yield from references_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references_in(inner)
