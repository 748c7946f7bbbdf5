"""Records that are not FHIR R4, or not even JSON; each stands behind a good patient who must come through."""

from collections.abc import Iterator
from typing import Any, Final

from trialbridge.contracts.errors import Place
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.badinputs.model import BadInput, Bundle, Fault, Group, refused, set_aside
from trialbridge.testkit.packing import collection, encode, ndjson

JSON: Final = "application/fhir+json"
LINE: Final = 3
"""The bad record's line, behind a patient and a condition."""
NOT_FHIR: Final = "fhir.not-fhir"
UNKNOWN: Final = "fhir.unknown-type"
INVALID: Final = "fhir.invalid"
JSON_BROKEN: Final = "json.broken"
PATIENT: Final = {"resourceType": "Patient", "id": "bad"}
OBSERVATION: Final = {
    "resourceType": "Observation",
    "id": "o-bad",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
    "subject": {"reference": "Patient/bad"},
}

Row = tuple[Any, str, str | None]
"""A resource, the code, and the element that is wrong."""

STRANGE: Final[tuple[Row, ...]] = (
    ({"report": "free text"}, NOT_FHIR, None), ({}, NOT_FHIR, None), (42, NOT_FHIR, None), ("text", NOT_FHIR, None),
    (None, NOT_FHIR, None), (True, NOT_FHIR, None), ({"resourceType": 7, "id": "x"}, NOT_FHIR, None),
    ({"resourceType": None}, NOT_FHIR, None), ({"resourceType": ["Patient"]}, NOT_FHIR, None),
    ({"resourceType": "Pattient", "id": "x"}, UNKNOWN, None), ({"resourceType": "", "id": "x"}, UNKNOWN, None),
    ({"resourceType": "patient", "id": "x"}, UNKNOWN, None), ({"resourceType": "Foo", "id": "x"}, UNKNOWN, None),
)  # fmt: skip
WRONG: Final[tuple[Row, ...]] = (
    ({**PATIENT, "id": "with blank"}, INVALID, "id"), ({**PATIENT, "id": "x" * 65}, INVALID, "id"),
    ({**PATIENT, "id": 7}, INVALID, "id"), ({**PATIENT, "name": "Ann Lee"}, INVALID, "name"),
    ({**PATIENT, "name": [{"family": 7}]}, INVALID, "name[0].family"),
    ({**PATIENT, "gender": "f"}, INVALID, "gender"), ({**PATIENT, "telecom": {}}, INVALID, "telecom"),
    ({**PATIENT, "active": "yes"}, INVALID, "active"), ({**PATIENT, "nickname": "x"}, INVALID, "resource"),
    ({**OBSERVATION, "status": "done"}, INVALID, "status"), ({**OBSERVATION, "status": None}, INVALID, "status"),
    ({name: value for name, value in OBSERVATION.items() if name != "status"}, INVALID, "resource"),
    ({name: value for name, value in OBSERVATION.items() if name != "code"}, INVALID, "resource"),
    ({**OBSERVATION, "valueQuantity": "12"}, INVALID, "valueQuantity"),
    ({**OBSERVATION, "valueQuantity": {"value": "12"}}, INVALID, "valueQuantity.value"),
    ({**OBSERVATION, "code": "718-7"}, INVALID, "code"), ({**OBSERVATION, "code": []}, INVALID, "code"),
    ({**OBSERVATION, "valueString": ""}, INVALID, "valueString"),
    ({**OBSERVATION, "subject": "Patient/bad"}, INVALID, "subject"),
    ({**OBSERVATION, "subject": {"reference": 5}}, INVALID, "subject.reference"),
    ({**OBSERVATION, "contained": [{"resourceType": "Nothing"}]}, INVALID, "contained[0].resourceType"),
    ({name: value for name, value in OBSERVATION.items() if name != "subject"}, "fhir.no-patient", "subject"),
    ({**OBSERVATION, "subject": {"reference": "Group/1"}}, "fhir.no-patient", "subject"),
    ({**OBSERVATION, "subject": {"display": "Ann"}}, "fhir.no-patient", "subject"),
    ({**OBSERVATION, "valueString": "a\x00b"}, "fhir.control-character", None),
    ({**PATIENT, "name": [{"family": "Le\x1be"}]}, "fhir.control-character", None),
)  # fmt: skip
DATES: Final = (
    "1960-13-01", "1960-02-30", "1900-02-29", "1960-1-1", "01/02/1960", "19600102", "60-01-02", "0000-01-01", "yesterday", "1960-00",
    "1960-01-02T08:00:00Z", "1960-01-02 ", "", "-1960-01-01",
)  # fmt: skip
TIMES: Final = (
    "2026-02-30T08:00:00Z", "2026-04-01T25:00:00Z", "2026-04-01T08:61:00Z", "2026-04-01T08:00:00", "2026-04-01T08:00Z",
    "2026-04-01 08:00:00Z", "2026-04-01T08:00:00+25:00", "20260401T080000Z", "1743494400", "now",
)  # fmt: skip
TEXTS: Final = (
    b'{"resourceType":"Patient"', b'{"resourceType":"Patient",}', b"{'resourceType':'Patient'}", b"{resourceType:Patient}",
    b'{"resourceType":"Patient","active":NaN}', b'{"resourceType":"Patient"}{"resourceType":"Patient"}', b"\xff\xfe\x00",
    b'{"resourceType":"Pati\xc3\x28ent"}', b'{"resourceType":"Patient","id":"\\ud800"}', b'{"a":1e}', b"<Patient/>", b"]", b'"open',
    b"PID|1||2", b"id,name", b"%PDF-1.7", b"\x89PNG", b'{"a":tru}', b'{"a" "b"}', b"\x00\x00",
)  # fmt: skip
"""Lines that are not JSON."""


def on_lines(name: str, group: Group, bad: Any, code: str, field: str | None, local: str) -> BadInput:
    """Return NDJSON whose third line is the bad record."""
    plain = good.lines(local) + ndjson([bad])
    return set_aside(
        name, group, Bundle(plain=plain), (Fault(code, Place(entry="1", message=LINE, field=field)),), (local,)
    )


def in_bundle(name: str, group: Group, bad: Any, code: str, field: str | None, local: str) -> BadInput:
    """Return a FHIR Bundle whose third entry is the bad record."""
    entries = [{"resource": one} for one in (*good.patient(local), bad)]
    plain = encode({"resourceType": "Bundle", "type": "collection", "entry": entries})
    path = f"entry[{LINE - 1}].resource"
    spot = f"{path}.{field}" if field and field != "resource" else path
    return set_aside(
        name, group, Bundle(plain=plain, media_type=JSON), (Fault(code, Place(entry="1", field=spot)),), (local,)
    )


def not_fhir() -> Iterator[BadInput]:
    """Yield JSON that is no resource, or no valid one."""
    for number, (bad, code, field) in enumerate((*STRANGE, *WRONG)):
        make = in_bundle if number % 2 else on_lines
        yield make(f"resource {number}", "not FHIR", bad, code, field, f"fhir-{number}")
    for number, entry in enumerate((7, {}, "x")):
        plain = encode({"resourceType": "Bundle", "type": "collection", "entry": entry})
        bundle = Bundle(plain=plain, media_type=JSON)
        yield refused(f"entries {number}", "not FHIR", bundle, "fhir.not-a-bundle", Place(entry="1", field="entry"))
    plain = collection(good.patient("deep-down"), "urn:x")
    for _ in range(3):
        plain = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":' + plain + b"}]}"
    place = Place(entry="1", field="entry[0].resource.entry[0].resource.entry[0].resource")
    yield refused("Bundles four deep", "not FHIR", Bundle(plain=plain, media_type=JSON), "fhir.nested-bundle", place)


def bad_dates() -> Iterator[BadInput]:
    """Yield resources with dates and times that there are not, or not in FHIR's form."""
    for number, text in enumerate(DATES):
        make = in_bundle if number % 2 else on_lines
        yield make(
            f"birth date {text!r}", "bad date", {**PATIENT, "birthDate": text}, INVALID, "birthDate", f"date-{number}"
        )
    yield on_lines("birth date 1960", "bad date", {**PATIENT, "birthDate": 1960}, INVALID, "birthDate", "date-number")
    for number, text in enumerate(TIMES):
        make = on_lines if number % 2 else in_bundle
        bad = {**OBSERVATION, "effectiveDateTime": text}
        yield make(f"time {text!r}", "bad date", bad, INVALID, "effectiveDateTime", f"time-{number}")
    bad = {**OBSERVATION, "meta": {"lastUpdated": "2026-04-01"}}
    yield on_lines("a day as an instant", "bad date", bad, INVALID, "meta.lastUpdated", "instant-1")
    bad = {**OBSERVATION, "issued": "2026-04-01T08:00:00"}
    yield in_bundle("an instant without a zone", "bad date", bad, INVALID, "issued", "instant-2")


def broken_json() -> Iterator[BadInput]:
    """Yield lines and files that are not JSON."""
    for number, text in enumerate(TEXTS):
        local = f"json-{number}"
        fault = Fault(JSON_BROKEN, Place(entry="1", message=LINE))
        bundle = Bundle(plain=good.lines(local) + text + b"\n" + good.lines(f"{local}-after"))
        yield set_aside(f"line {number}", "broken JSON", bundle, (fault,), (local, f"{local}-after"))
    fault = Fault("json.too-deep", Place(entry="1", message=LINE))
    bundle = Bundle(plain=good.lines("json-deep") + b"[" * 100_000 + b"\n")
    yield set_aside("100,000 brackets", "broken JSON", bundle, (fault,), ("json-deep",))
    whole = collection(good.patient("never-whole"), "urn:x")
    for length in (1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        bundle = Bundle(plain=whole[:length], media_type=JSON)
        yield refused(f"file of {length} bytes", "truncated", bundle, JSON_BROKEN, Place(entry="1"))
    for number, text in enumerate((b"", b" ", *TEXTS[6:16])):
        bundle = Bundle(plain=text, media_type=JSON)
        yield refused(f"file {number}", "broken JSON", bundle, JSON_BROKEN, Place(entry="1"))
