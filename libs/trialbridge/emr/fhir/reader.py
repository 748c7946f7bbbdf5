"""FHIR in, of any edition: each resource is checked, told whose it is, and set aside alone where it is bad.

What is valid R4 passes as it is. The rest is asked which edition it is of, and made R4 by the tables (`upgrade`).
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place, Undecodable
from trialbridge.emr import jsontext
from trialbridge.emr.fhir.batch import Batch
from trialbridge.emr.fhir.documents import Documents, Told
from trialbridge.emr.fhir.editions import label_of
from trialbridge.emr.fhir.forms import FORMS
from trialbridge.emr.fhir.good import Good
from trialbridge.emr.fhir.instants import may_be_beyond
from trialbridge.emr.fhir.items import Item
from trialbridge.emr.fhir.packed import open_bundle
from trialbridge.emr.fhir.passing import Passing
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
        document = reading.open(entry.body)
        if document is None:
            document = jsontext.decode(entry.body, place)
        found = list(reading.read(reading.documents.unfold(document, place)))
    yield from found
    yield from reading.finish()


def convert_ndjson(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield the resources of a file with one resource or Bundle on each line, some megabytes at a time."""
    reading = Reading(entry, feed, warnings)
    lines = _Lines(entry.body)
    while batch := lines.some(BATCH):
        with jsontext.no_collection():
            found = list(reading.lines(lines.number - len(batch), batch, entry.name))
        yield from found
    yield from reading.finish()


class _Lines:
    """The lines of a body, some at a time; where line ends allow it there is no second copy of a large file."""

    def __init__(self, body: bytes) -> None:
        """Begin at the first."""
        whole = b"\r" not in body or not _LINE_END.search(body)
        self._file = io.BytesIO(body if whole else b"\n".join(body.splitlines()))
        self.number = 0
        """How many were given."""

    def some(self, size: int) -> list[bytes]:
        """Return lines of ``size`` bytes or somewhat more, none at the end."""
        found = self._file.readlines(size)
        self.number += len(found)
        return found


def _compact(text: bytes) -> bytes:
    """Return a line without blanks between its words, so that it may be recognised; what is no JSON as it is."""
    try:
        return jsontext.compact(text)
    except (msgspec.DecodeError, RecursionError):
        return text


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

    def open(self, body: bytes) -> dict[str, Any] | None:
        """Return a Bundle whose resources are recognised as text or read, None for any other document."""
        return open_bundle(body, FORMS.find) if self._batch.recognises else None

    def lines(self, before: int, lines: Sequence[bytes], name: str) -> Iterator[Found]:
        """Yield what some lines of NDJSON say, and those that are no JSON; ``before`` them came that many."""
        broken: list[SetAside] = []
        # Each resource is checked as soon as it is read: what was just made is near the processor.
        refused = list(self._batch.take(self._items(before, lines, name, broken)))
        yield from broken
        yield from refused
        yield from self._batch.pieces(self._ownerless)

    def _items(self, before: int, lines: Sequence[bytes], name: str, broken: list[SetAside]) -> Iterator[Told]:
        recognises, find = self._batch.recognises, FORMS.find
        for number, line in enumerate(lines, before + 1):
            text = line.strip().removeprefix(b"\xef\xbb\xbf")
            if not text:
                continue
            place = Place(entry=name, message=number)
            found = None
            if recognises:
                text = _compact(text) if jsontext.is_spaced(text) else text
                found = find(text)
            if found is not None:
                yield Passing(text, found, place)
                continue
            try:
                value = jsontext.decode(text, place)
            except Undecodable as error:
                broken.append(SetAside(error, line.rstrip(b"\r\n"), NDJSON))
                continue
            if type(value) is dict and value.get("resourceType") not in ("Bundle", "Parameters"):
                item = Item(value, place, "", {})
                item.text = text
                yield item
            else:
                yield from self.documents.unfold(value, place)

    def read(self, items: Iterable[Told]) -> Iterator[Found]:
        """Yield what is about whom, and what was set aside."""
        batch = self._batch
        yield from batch.take(items)
        yield from batch.pieces(self._ownerless)

    def finish(self) -> Iterator[Found]:
        """Yield what belongs to the owner of another resource, and count what only packed the resources."""
        yield from self._batch.through_others(self._ownerless)
        self._warnings.account.enter_counts(self.documents.envelope, "dropped", "fhir.envelope")
