"""Orders, results and specimens: ORC, OBR, OBX, SPM, SAC, INV."""

from typing import Any, Final

from trialbridge.contracts.errors import Poison
from trialbridge.emr.hl7v2 import templates, values
from trialbridge.emr.hl7v2.frames import Frame
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.results import further_codes, value_of
from trialbridge.emr.hl7v2.rules import apply
from trialbridge.emr.hl7v2.state import reference_to
from trialbridge.emr.hl7v2.walk import ORDERED, Walk
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import pairs

Json = dict[str, Any]
_REPORTING: Final = frozenset({"ORU", "OUL", "MDM"})
_LOINC: Final = "http://loinc.org"
_VARIANT: Final = "69548-6"
_PROFILE: Final = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/variant"
_WITHDRAWN: Final = frozenset({"D", "W"})
_ABSENT: Final = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
}


def order(walk: Walk, orc: Segment) -> None:
    """Begin an order: what it orders is said by the segments that follow."""
    near = walk.reading.near
    near.clear()
    near["ORC"] = orc
    walk.order, walk.test, walk.medication = orc, None, None
    walk.request = walk.report = walk.specimen = walk.observation = None
    follows = walk.following(ORDERED, "ORC")
    if follows in ("", "OBR", "TXA") and any(orc.fields[2:5]):
        if follows == "OBR":
            near["OBR"] = next(one for one in walk.segments[walk.at + 1 :] if one.name == "OBR")
        walk.request = walk.anchor = _request(walk, orc, near.get("OBR"))
        apply("ORC/ServiceRequest", orc, walk.request, walk.reading)
        if follows != "OBR":
            _finish(walk.request)
    _entered(walk, orc)


def _entered(walk: Walk, orc: Segment) -> None:
    """Say who entered, verified and wrote an order: its Provenance."""
    if not any(orc.get(number) for number in (10, 11, 19)) or walk.request is None:
        return
    reading = walk.reading
    content: Resource = {}
    apply("ORC/Provenance", orc, content, reading)
    if not content.get("agent"):
        return
    for one in content["agent"]:
        one.setdefault("who", dict(_ABSENT))
    found = reading.resource("Provenance", reading.own("Provenance", "order", walk.request["id"]), orc)
    meta = {**found["meta"], **content.pop("meta", {})}
    found |= {"target": [reference_to(walk.request)], "recorded": reading.stamp["lastUpdated"], **content, "meta": meta}


def numbers_of(orc: Segment | None, obr: Segment | None) -> tuple[str, str]:
    """Return placer's and filler's order number, the test's own first."""
    told = [segment for segment in (obr, orc) if segment is not None]
    placer = next((text for one in told if (text := one.get(2))), "")
    return str(placer), str(next((text for one in told if (text := one.get(3))), ""))


def _request(walk: Walk, segment: Segment, obr: Segment | None) -> Resource:
    placer, filler = numbers_of(walk.order, obr)
    code = str(obr.get(4) or obr.get(4, 2)) if obr is not None else ""
    found = walk.make("ServiceRequest", segment, placer or filler, code)
    found |= walk.visit()
    return found


def _finish(request: Resource) -> None:
    request.setdefault("status", "unknown")
    request.setdefault("intent", "order")


def test(walk: Walk, obr: Segment) -> None:
    """Read an observation request: the order, the report of its results, and the specimen where it tells of one."""
    reading = walk.reading
    if walk.test is not None or walk.request is None:
        walk.order = None if walk.test is not None else walk.order
        if walk.order is None:
            reading.near.pop("ORC", None)
        walk.request = _request(walk, obr, obr)
    walk.test = obr
    reading.near["OBR"] = obr
    request = walk.anchor = walk.request
    apply("OBR/ServiceRequest", obr, request, reading)
    _finish(request)
    walk.report = walk.specimen = walk.observation = None
    message = walk.kind.partition("^")[0]
    if message in _REPORTING or obr.get(22) or obr.get(25):
        walk.report = _report(walk, obr, request)
    if obr.get(15) or obr.get(15, 1, 2) or obr.get(14) or obr.get(9):
        _specimen_of(walk, obr)


def _report(walk: Walk, obr: Segment, request: Resource) -> Resource:
    placer, filler = numbers_of(walk.order, obr)
    code = str(obr.get(4) or obr.get(4, 2))
    found = walk.make("DiagnosticReport", obr, filler or placer, code)
    apply("OBR/DiagnosticReport", obr, found, walk.reading)
    if walk.order is not None:
        apply("ORC/DiagnosticReport", walk.order, found, walk.reading)
    found.setdefault("status", "unknown")
    found.setdefault("code", {"text": "unknown"})
    found["basedOn"] = [reference_to(request)]
    found |= walk.visit()
    return found


def _specimen_of(walk: Walk, obr: Segment) -> None:
    placer, filler = numbers_of(walk.order, obr)
    walk.specimen = walk.make("Specimen", obr, "OBR", filler or placer, str(obr.get(15)))
    apply("OBR/Specimen", obr, walk.specimen, walk.reading)
    _attach_specimen(walk)


def _attach_specimen(walk: Walk) -> None:
    if walk.specimen is None:
        return
    for one in (walk.report, walk.request):
        if one is not None:
            one.setdefault("specimen", []).append(reference_to(walk.specimen))


def result(walk: Walk, obx: Segment) -> None:
    """Read an observation: an Observation, or the content of a document."""
    reading = walk.reading
    kind = templates.key_of(obx, reading)
    known = templates.known(kind) if kind is not None else None
    if known is not None and _made_after(walk, obx, known):
        return
    code = obx.first(3)
    if not code.get(1) and not code.get(2) and not code.get(9) and not code.get(4):
        raise Poison("v2.no-code", "OBX-3 does not say what was observed.", reading.place(3))
    if obx.field(4) and str(code.get(1)) in pairs("v2_variants") and values.system_of(code.get(3)) == _LOINC:
        _variant(walk, obx)
        return
    on = _time(walk, obx)
    key = (_number(walk), str(code.get(1)), obx.field(4), str(on or ""))
    found = walk.make("Observation", obx, *key)
    watch = templates.Recording(kind, reading) if kind is not None else None
    _read(obx, found, on, reading)
    if watch is not None:
        watch.end(obx, found, reading)
    _connect(walk, found)
    walk.observation = walk.anchor = found


def _made_after(walk: Walk, obx: Segment, known: templates.Template) -> bool:
    """Make an Observation after an earlier one of its kind; return whether it could be."""
    frame = _frame(walk)
    on = _time_again(walk, obx, frame)
    if known.is_timed is not (on is not None):
        return False
    found = templates.made_after(known, obx, on, frame, walk.reading)
    if walk.report is not None:
        walk.report.setdefault("result", []).append({"reference": f"Observation/{found['id']}"})
    walk.observation = walk.anchor = found
    return True


def _frame(walk: Walk) -> Frame:
    """Return what connects results of the order that is read, as `_connect` does."""
    of = walk.test, walk.order, walk.request, walk.specimen, walk.encounter, walk.given
    known = walk.frame
    if known is not None and known.of == of:
        return known
    reading = walk.reading
    found = walk.frame = Frame(of, _number(walk), reading.stamp, reading.patient["reference"])
    if walk.encounter is not None:
        found.refer("encounter", **reference_to(walk.encounter))
    if walk.request is not None and walk.test is not None:
        found.refer("basedOn", **reference_to(walk.request), listed=True)
    if walk.specimen is not None:
        found.refer("specimen", **reference_to(walk.specimen))
    if walk.given is not None:
        found.refer("partOf", **reference_to(walk.given), listed=True)
    return found


def _number(walk: Walk) -> str:
    """Return the order number that results go by."""
    placer, filler = numbers_of(None, walk.test) if walk.test is not None else numbers_of(walk.order, None)
    return filler or placer


def _time_again(walk: Walk, obx: Segment, frame: Frame) -> Any:
    """Return the time of a result of a kind that was met before; of its own time no leaf is needed."""
    written = obx.fields[14] if len(obx.fields) > 14 else ""  # noqa: PLR2004 - OBX-14
    times = frame.times
    if written not in times:
        found = _time(walk, obx)
        times[written] = str(found) if written else found
    return times[written]


def _read(obx: Segment, found: Resource, on: str | None, reading: Reading) -> None:
    """Fill an Observation from its OBX."""
    apply("OBX/Observation", obx, found, reading)
    found.setdefault("status", "final")
    if on is not None:
        found.setdefault("effectiveDateTime", on)
    value = value_of(obx, reading)
    if value.get("extension"):
        found.setdefault("extension", []).extend(value.pop("extension"))
    found |= value
    if "dataAbsentReason" in found and any(name.startswith("value") for name in found):
        del found["dataAbsentReason"]


def _variant(walk: Walk, obx: Segment) -> None:
    """Read a part of a variant (laboratory results with nested OBX): a component of the Observation of its OBX-4."""
    reading = walk.reading
    key = ("variant", _number(walk), obx.get(4), str(_time(walk, obx) or ""))
    # What may be wrong with it comes first: a bad part must not leave half a variant behind.
    value = value_of(obx, reading)
    identity = reading.id_of("Observation", walk.reading.local, *key)
    found = next((one.resource for one in reading.built if one.resource["id"] == identity), None)
    if found is None:
        found = walk.make("Observation", obx, *key)
        apply("OBX/Observation", obx, found, reading)
        found.pop("interpretation", None)
        if obx.get(11).upper() in _WITHDRAWN:
            found["status"] = "final"
        on = _time(walk, obx)
        if on is not None:
            found.setdefault("effectiveDateTime", on)
        found.setdefault("status", "final")
        found["category"] = [{"coding": [{"system": f"{values.TERMS}observation-category", "code": "laboratory"}]}]
        found["code"] = {"coding": [{"system": _LOINC, "code": _VARIANT}]}
        found["meta"]["profile"] = [_PROFILE]
        _connect(walk, found)
    if obx.get(3) == _VARIANT:
        # The assessment speaks for the whole: its status and its words are the ones that count.
        del found["code"], found["status"]
        found |= {name: one for name, one in value.items() if name.startswith("value")}
        apply("OBX/Observation", obx, found, reading)
        return
    if obx.get(11).upper() in _WITHDRAWN:
        # What the sender takes back is no part of the variant; it is kept as it was written.
        return
    for one in (value, *further_codes(obx, reading)):
        part: Json = {}
        apply("OBX/Component", obx, part, reading)
        if one.get("extension"):
            part.setdefault("extension", []).extend(one.pop("extension"))
        found.setdefault("component", []).append({**part, **one})
    walk.observation = walk.anchor = found


def _connect(walk: Walk, found: Resource) -> None:
    """Say to which order, specimen, visit and other resources an observation belongs."""
    found |= walk.visit()
    if walk.request is not None and walk.test is not None:
        found["basedOn"] = [reference_to(walk.request)]
    if walk.specimen is not None:
        found.setdefault("specimen", reference_to(walk.specimen))
    if walk.report is not None:
        walk.report.setdefault("result", []).append(reference_to(found))
    if walk.given is not None:
        found["partOf"] = [reference_to(walk.given)]


def _time(walk: Walk, obx: Segment) -> Any:
    reading = walk.reading
    for segment, field in ((obx, 14), (walk.test, 7), (walk.test, 22)):
        if segment is not None and segment.field(field):
            reading.field = field
            found = reading.time(segment.get(field))
            reading.field = None
            return found
    return None


def specimen(walk: Walk, spm: Segment) -> None:
    """Make the Specimen; one that follows its order belongs to it and to its observations."""
    ids = spm.get(2) or spm.get(2, 2) or spm.get(30)
    placer, filler = numbers_of(walk.order, walk.test)
    key = (str(ids),) if ids else (filler or placer, str(spm.get(4)), str(spm.get(17)))
    found = walk.make("Specimen", spm, *key)
    apply("SPM/Specimen", spm, found, walk.reading)
    walk.specimen = walk.anchor = found
    _attach_specimen(walk)


def container(walk: Walk, sac: Segment) -> None:
    """Read a specimen container."""
    if walk.specimen is None:
        key = sac.get(1) or sac.get(3) or sac.get(4)
        walk.specimen = walk.make("Specimen", sac, "SAC", str(key))
    apply("SAC/Specimen", sac, walk.specimen, walk.reading)


def inventory(walk: Walk, inv: Segment) -> None:
    """Read a substance that was used: a Medication, which the specimen or order refers to."""
    content: Json = {}
    apply("INV/Medication", inv, content, walk.reading)
    if not content:
        return
    key = (str(inv.get(1) or inv.get(1, 2)), str(inv.get(16)))
    found = walk.reading.actors.add("Medication", walk.reading, key, content)
    if walk.anchor is not None:
        extension = {"url": "urn:trialbridge:fhir:substance", "valueReference": found}
        walk.anchor.setdefault("extension", []).append(extension)
