"""FHIR in, of any edition: each resource is checked, told whose it is, and set aside alone where it is bad.

What is valid R4 passes as it is. The rest is asked which edition it is of, and made R4 by the tables (`upgrade`).
"""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from trialbridge.contracts.errors import Place, Undecodable
from trialbridge.emr import jsontext
from trialbridge.emr.fhir.batch import Batch, Good
from trialbridge.emr.fhir.documents import Deletion, Documents, Item
from trialbridge.emr.fhir.editions import label_of
from trialbridge.emr.fhir.instants import may_be_beyond
from trialbridge.emr.fhir.xml import read_xml
from trialbridge.emr.records import Entry, Feed, Found, SetAside, Warnings
from trialbridge.emr.sniff import JSON, NDJSON, XML

__all__ = ["JSON", "NDJSON", "XML", "convert_json", "convert_ndjson", "convert_xml"]

BATCH: Final = 4 * 1024 * 1024
"""Bytes of NDJSON lines that are read together."""
_LINE_END: Final = re.compile(rb"\r(?!\n)")


def convert_json(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield the resources of a JSON document: a Bundle, a single resource, or a JSON array of them."""
    place = Place(entry=entry.name)
    reading = Reading(entry, feed, warnings)
    with jsontext.no_collection():
        document = jsontext.decode(entry.body, place)
        found = list(reading.read(reading.documents.unfold(document, place)))
    yield from found
    yield from reading.finish()


def convert_ndjson(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield the resources of a file with one resource or Bundle on each line, some megabytes at a time."""
    reading = Reading(entry, feed, warnings)
    for batch in _batches(entry.body):
        with jsontext.no_collection():
            found = list(reading.lines(batch, entry.name))
        yield from found
    yield from reading.finish()


def _batches(body: bytes) -> Iterator[list[tuple[int, bytes]]]:
    """Yield numbered lines that hold something, some megabytes at a time."""
    waiting: list[tuple[int, bytes]] = []
    size = 0
    for number, line in enumerate(_lines(body), 1):
        waiting.append((number, line))
        size += len(line)
        if size > BATCH:
            yield waiting
            waiting, size = [], 0
    yield waiting


def _lines(body: bytes) -> Iterable[bytes]:
    """Return the lines; one at a time where line ends allow it, so that there is no second copy of a large file."""
    return body.splitlines() if b"\r" in body and _LINE_END.search(body) else io.BytesIO(body)


def convert_xml(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield the resources of an XML document: a Bundle or a single resource."""
    place = Place(entry=entry.name)
    document = read_xml(entry.body, place, label_of(entry.media_type), warnings)
    reading = Reading(entry, feed, warnings, document.edition)
    yield from reading.read(reading.documents.unfold(document.value, place))
    yield from reading.finish()


class Reading:
    """The resources of one entry; those that only others tell the patient of wait for its end."""

    def __init__(self, entry: Entry, feed: Feed, warnings: Warnings, label: Any = None) -> None:
        """Begin at nothing."""
        self.documents = Documents(warnings)
        self._batch = Batch(feed, warnings, label or label_of(entry.media_type))
        self._batch.is_suspicious = jsontext.may_hold_control(entry.body)
        self._batch.is_edgy = may_be_beyond(entry.body)
        self._warnings = warnings
        self._ownerless: list[Good] = []

    def lines(self, lines: Iterable[tuple[int, bytes]], name: str) -> Iterator[Found]:
        """Yield what some lines of NDJSON say, and those that are no JSON."""
        items: list[Item | Deletion] = []
        for number, line in lines:
            text = line.strip().removeprefix(b"\xef\xbb\xbf")
            if not text:
                continue
            place = Place(entry=name, message=number)
            try:
                value = jsontext.decode(text, place)
            except Undecodable as error:
                yield SetAside(error, line.rstrip(b"\r\n"), NDJSON)
                continue
            if type(value) is dict and value.get("resourceType") not in ("Bundle", "Parameters"):
                items.append(Item(value, place, "", {}))
            else:
                items.extend(self.documents.unfold(value, place))
        yield from self.read(items)

    def read(self, items: Iterable[Item | Deletion]) -> Iterator[Found]:
        """Yield what is about whom, and what was set aside."""
        batch = self._batch
        yield from batch.take(items)
        yield from batch.pieces(self._ownerless)

    def finish(self) -> Iterator[Found]:
        """Yield what belongs to the owner of another resource, and count what only packed the resources."""
        yield from self._batch.through_others(self._ownerless)
        self._warnings.account.enter_counts(self.documents.envelope, "dropped", "fhir.envelope")
