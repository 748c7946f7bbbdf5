"""Files of facts: patients in the engine's own words, written by hand or by ``trialbridge``, with every fault told at its place."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place, Undecodable, json_path
from trialbridge.criteria.facts import PatientFacts
from trialbridge.criteria.facts_checks import Misfit, misfits
from trialbridge.criteria.facts_words import unknown_words
from trialbridge.emr.jsontext import decode, encode
from trialbridge.emr.records import SetAside

Warn = Callable[[Place, str, str], None]
"""Is told of what is taken all the same: place, code, message."""
_FACTS: Final = msgspec.json.Decoder(PatientFacts)
_BOM: Final = b"\xef\xbb\xbf"
_MISFIT: Final = "The value is not of the type, or none of the words, that facts.schema.json has here."


def is_facts_file(body: bytes) -> bool:
    """Return whether a file holds `PatientFacts`: one, an array of them, or one on each line."""
    if b'"facts"' not in body or not body.removeprefix(_BOM).lstrip().startswith((b"{", b"[")):
        return False
    first = next((one for one, _ in _rows(body) if isinstance(one, dict)), None)
    return first is not None and "facts" in first and "resourceType" not in first


def read_facts(name: str, body: bytes, warn: Warn | None = None) -> Iterator[PatientFacts | SetAside]:
    """Yield the patients of a facts file, one after another, and each fault of those that cannot be taken.

    ``warn`` is told of the genes, drugs and tumour types that no table knows; their patients are taken.
    """
    rows = _rows(body)
    ahead = [row for _, row in zip(range(2), rows, strict=False)]
    for number, (document, raw) in enumerate(chain(ahead, rows), 1):
        place = Place(bundle=name, message=number if len(ahead) > 1 else None)
        if document is None:
            yield SetAside(Undecodable("json.broken", "This is not JSON.", place), raw, "facts")
            continue
        found = list(misfits(document))
        try:
            patient = _FACTS.decode(encode(document))
        except msgspec.DecodeError as error:
            found = found or [Misfit(json_path(error).lstrip("$.") or "facts", _MISFIT)]
        else:
            if not found:
                for code, path, message in unknown_words(patient) if warn else ():
                    _tell(warn, place, code, path, message)
                yield patient
        for path, message in found:
            at = msgspec.structs.replace(place, field=path)
            yield SetAside(Undecodable("facts.invalid", message, at), raw, "facts")


def _tell(warn: Warn | None, place: Place, code: str, path: str, message: str) -> None:
    if warn is not None:
        warn(msgspec.structs.replace(place, field=path), code, message)


def _rows(body: bytes) -> Iterator[tuple[Any, bytes]]:
    """Yield a document's objects and their bytes: itself, its elements, or one for each line; None where a line is no JSON."""
    text = body.removeprefix(_BOM).strip()
    try:
        document = decode(text, Place())
    except Undecodable:
        yield from _lines(text)
        return
    for one in document if isinstance(document, list) else [document]:
        yield one, encode(one)


def _lines(text: bytes) -> Iterator[tuple[Any, bytes]]:
    start = 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].strip()
        start = end + 1
        if not line:
            continue
        try:
            yield decode(line, Place()), line
        except Undecodable:
            yield None, line
