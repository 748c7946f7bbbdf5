"""What is wrong with a patient written by hand, against the published schema of facts files: the place, and what to write.

Said without quoting anything of the file: its keys and values may name a patient. Every fault is told, not the first alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import msgspec

from trialbridge.contracts.errors import json_path
from trialbridge.criteria import facts as f
from trialbridge.criteria.dates import span
from trialbridge.criteria.terminology.nearest import nearest

KINDS: Final[Mapping[str, type[Any]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(f.AnyFact)}
DATES: Final = frozenset({"birth_date", "deceased_date", "effective", "end", "period_end", "period_start", "start"})
_KINDS: Final[tuple[type[Any], ...]] = (f.PatientFacts, f.Evidence, f.Coding, *KINDS.values())
_FIELDS: Final = {kind: {one.name: one for one in msgspec.structs.fields(kind)} for kind in _KINDS}
_CODINGS: Final = frozenset({"codes", "morphology", "site", "metastatic_sites"})
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_BAD_DATE: Final = "A date is written 2024, 2024-05, 2024-05-03 or 2024-05-03T10:30:00Z."
_BAD_VALUE: Final = "The value is not of the type, or none of the words, that facts.schema.json has here"


class Misfit(NamedTuple):
    """One fault: where (``facts[2].birth_date``), and what would be right."""

    path: str
    message: str


def misfits(document: Any) -> Iterator[Misfit]:
    """Yield what of a decoded patient is not as the schema has it: keys, kinds of facts, dates, types and words."""
    if not isinstance(document, dict):
        yield Misfit("facts", "A patient is an object with patient and facts.")
        return
    yield from _object(f.PatientFacts, document, "")
    facts = document.get("facts")
    for number, fact in enumerate(facts if isinstance(facts, list) else ()):
        yield from _fact(fact, f"facts[{number}]")


def _fact(fact: Any, path: str) -> Iterator[Misfit]:
    word = fact.get("kind") if isinstance(fact, dict) else None
    kind = KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        near = nearest(word, KINDS) if isinstance(word, str) else None
        yield Misfit(f"{path}.kind", f"There is no such kind of fact{_near(near) or ': see facts.schema.json'}.")
        return
    yield from _object(kind, {key: value for key, value in fact.items() if key != "kind"}, path)


def _object(kind: type[Any], given: Mapping[str, Any], path: str) -> Iterator[Misfit]:
    fields = _FIELDS[kind]
    for key, value in given.items():
        place = f"{path}.{key}".lstrip(".")
        if key not in fields:
            yield Misfit(
                path or "patient", f"A key here is not known{_near(nearest(key, fields)) or ': see facts.schema.json'}."
            )
        elif key in DATES and value is not None and not (isinstance(value, str) and span(value)):
            yield Misfit(place, _BAD_DATE)
        elif key == "evidence" and isinstance(value, dict):
            yield from _object(f.Evidence, value, place)
        elif key in _CODINGS and isinstance(value, list):
            yield from _codings(value, place)
        elif key != "facts" or not isinstance(value, list):
            yield from _typed(fields[key].type, value, place)
    for name, field in fields.items():
        if field.required and name not in given:
            example = ', for example {"resource": "chart"}' if name == "evidence" else ""
            yield Misfit(f"{path}.{name}".lstrip("."), f"{name} is missing{example}.")


def _codings(given: list[Any], path: str) -> Iterator[Misfit]:
    for number, coding in enumerate(given):
        if isinstance(coding, dict):
            yield from _object(f.Coding, coding, f"{path}[{number}]")
        else:
            yield Misfit(f"{path}[{number}]", 'A coding is an object, for example {"text": "lung adenocarcinoma"}.')


def _typed(kind: Any, value: Any, path: str) -> Iterator[Misfit]:
    try:
        msgspec.json.decode(_ENCODER.encode(value), type=kind)
    except msgspec.DecodeError as error:
        near = nearest(value, words) if isinstance(value, str) and (words := _words(kind)) else None
        yield Misfit(f"{path}{json_path(error).lstrip('$')}", f"{_BAD_VALUE}{_near(near)}.")


def _words(kind: Any) -> tuple[str, ...]:
    """Return the words that a type takes, none where it takes others too."""
    if get_origin(kind) is Literal:
        return tuple(str(word) for word in get_args(kind))
    return tuple(word for one in get_args(kind) for word in _words(one))


def _near(word: str | None) -> str:
    return f"; did you mean {word!r}" if word else ""
