"""Records full of planted identifiers, good and bad: whatever becomes of them, the identifiers must not be seen."""

import gzip
import io
from collections.abc import Iterator
from typing import Any, Final

from trialbridge.testkit import packing
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.badinputs import locks as by
from trialbridge.testkit.badinputs.good import HL7V2, v2
from trialbridge.testkit.badinputs.model import Bundle, changed
from trialbridge.testkit.canaries import TEXTS, of_kind
from trialbridge.testkit.packing import ndjson
from trialbridge.testkit.places import COUNTY, MEMBER_SYSTEM, NORTH

BIRTH: Final = "1903-11-29"
BIRTH_V2: Final = "19031129"
JSON: Final = "application/fhir+json"
Named = tuple[str, Bundle]


def person(local: str) -> list[dict[str, Any]]:
    """Return a good patient who bears all of the identifiers, as FHIR R4."""
    patient, condition = good.patient(local)
    numbers = [{"system": NORTH.mrn_system, "value": mrn} for mrn in of_kind("mrn")]
    members = [{"system": MEMBER_SYSTEM, "value": member} for member in of_kind("member")]
    ssn = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": of_kind("ssn")[0]}
    patient |= {
        "identifier": [*patient["identifier"], *numbers, *members, ssn],
        "name": [{"family": family, "given": list(of_kind("given"))} for family in of_kind("family")],
        "telecom": [
            *({"system": "phone", "value": phone} for phone in of_kind("phone")),
            {"system": "email", "value": of_kind("email")[0]},
        ],
        "address": [{"line": list(of_kind("street")), "city": "Lakeside"}],
        "birthDate": BIRTH,
    }
    condition["note"] = [{"text": " ".join(TEXTS)}]
    return [patient, condition]


def segments(local: str) -> list[str]:
    """Return an HL7 v2 message about such a patient."""
    names = "~".join(f"{family}^{given}" for family in of_kind("family") for given in of_kind("given"))
    numbers = "~".join(f"{mrn}^^^{COUNTY.mrn_authority}^MR" for mrn in (local, *of_kind("mrn")))
    members = "~".join(f"{member}^^^LAKELAND^MB" for member in of_kind("member"))
    homes = "~".join(f"{street}^^Lakeside" for street in of_kind("street"))
    phones = "~".join((*of_kind("phone"), f"^NET^Internet^{of_kind('email')[0]}"))
    head, event, _, diagnosis = good.segments(local)
    pid = f"PID|1||{numbers}~{members}||{names}||{BIRTH_V2}|F|||{homes}||{phones}||||||{of_kind('ssn')[0]}"
    return [head, event, pid, diagnosis, f"NTE|1||{of_kind('note')[0]}"]


def _hl7(plain: bytes, **more: Any) -> Bundle:
    return Bundle(plain=plain, media_type=HL7V2, tenant=COUNTY.tenant, source=COUNTY.id, **more)


def good_ones() -> Iterator[Named]:
    """Yield bundles that come through: every identifier in its right place, and as an id, and in names of files."""
    lines = ndjson(person("planted-1"))
    yield "fhir", Bundle(plain=lines)
    yield "v2", _hl7(v2(segments("planted-2")))
    yield "mrn as id", Bundle(plain=ndjson([one for mrn in of_kind("mrn") for one in person(mrn)]))
    names = [f"{text}.ndjson" for text in TEXTS]
    yield "tar", Bundle(plain=packing.tarred((name, ndjson(person(f"tar-{n}"))) for n, name in enumerate(names)))
    yield "zip", Bundle(plain=packing.zipped((name, ndjson(person(f"zip-{n}"))) for n, name in enumerate(names)))
    yield "gzip", Bundle(plain=_gzip_with_name(TEXTS[0], lines))
    large = person("planted-large")
    large[1]["note"] = [{"text": " ".join(TEXTS) + str(number)} for number in range(3000)]
    yield "large", Bundle(plain=packing.gzipped(ndjson(large)))


def _gzip_with_name(name: str, body: bytes) -> bytes:
    """Return gzip that tells the name of the file it was."""
    out = io.BytesIO()
    with gzip.GzipFile(filename=f"{name}.ndjson", mode="wb", fileobj=out, mtime=0) as file:
        file.write(body)
    return out.getvalue()


def _records(text: str) -> list[Any]:
    """Return resources that are bad because of where an identifier stands in them."""
    patient: dict[str, Any] = {"resourceType": "Patient", "id": "bad"}
    seen: dict[str, Any] = {
        "resourceType": "Observation", "id": "bad", "status": "final", "code": {"text": text},
        "subject": {"reference": "Patient/bad"},
    }  # fmt: skip
    return [
        {"resourceType": text}, {text: text}, {**patient, text: text}, {**patient, "name": text}, {**patient, "id": f"{text} {text}"},
        {**patient, "birthDate": text}, {**patient, "gender": text}, {**patient, "name": [{"family": {text: text}}]},
        {**patient, "extension": [{text: [{text: text}]}]}, {**seen, "subject": {"reference": f"Group/{text}", "display": text}},
        {**seen, "subject": {"reference": text}}, {**seen, "status": text}, {**seen, "valueQuantity": {"value": text}},
        {**seen, "contained": [{"resourceType": text}]}, {**seen, "valueString": f"{text}\x01"}, text, [text],
    ]  # fmt: skip


def _messages(text: str) -> list[list[str]]:
    """Return HL7 v2 messages that are bad because of where an identifier stands in them."""
    head, event, pid, diagnosis = good.segments("bad")
    return [
        [head, event, pid, text], [head, text, pid], [head.replace("ADT^A04^ADT_A01", f"ADT^{text}"), pid],
        [head.replace("ADT^A04^ADT_A01", text), pid], [head, event, f"PID|1|{text}|||{text}^{text}||{BIRTH_V2}"],
        [head, event, pid.replace("19600203", text)], [head.replace("20260530090000+0000", text), event, pid],
        [head, event, pid, diagnosis.replace("20260402", text)],
        good.results("bad", text, [f"OBX|1|NM|718-7^{text}^LN||{text}|{text}||||F", f"OBX|2|ST|||{text}|||||F"]),
        good.results("bad", text, [f"OBX|1|NM|718-7^x^LN||1|g|||||F|||{text}"]),
    ]  # fmt: skip


def bad_ones() -> Iterator[Named]:
    """Yield bundles that are refused, or hold records that are set aside."""
    for number, text in enumerate(TEXTS):
        yield f"resources {number}", Bundle(plain=ndjson(_records(text)))
        yield f"messages {number}", _hl7(v2(*_messages(text)))
        quoted = text.encode()
        yield f"file {number}", Bundle(plain=b'{"resourceType":"Patient","name":"' + quoted, media_type=JSON)
        lines = (b'{"' + quoted, quoted, b"\xc3(" + quoted, b'{"id":"' + quoted + b'"}}', b"[" * 5000 + quoted)
        yield f"lines {number}", Bundle(plain=b"\n".join(lines))
        members = [
            (f"{text}.ndjson", quoted),
            (f"{text}.gz", packing.gzipped(quoted)[:-4]),
            (f"{text}/{text}.hl7", quoted),
        ]
        yield f"tar {number}", Bundle(plain=packing.tarred(members))
        yield f"zip {number}", Bundle(plain=packing.zipped(members))
    everything = ndjson(person("never"))
    yield "tampered", Bundle(plain=everything, lock=by.on_body(by.flip(999)))
    yield "cut", Bundle(plain=everything, lock=by.on_body(by.first(2000)))
    yield "cut gzip", Bundle(plain=packing.gzipped(everything)[:-20])
    yield "foreign", Bundle(plain=everything, lock=by.under_foreign_ring(1))
    yield "too many faults", Bundle(plain="\n".join([" ".join(TEXTS)] * 30).encode())
    yield "other hash", Bundle(plain=everything, tickets=(changed(sha256="0" * 64),))


def texts_of_trials() -> Iterator[str]:
    """Yield trials with an identifier where it does not belong: in keys, values, names and comments; the last is accepted."""
    for text in TEXTS:
        yield f'{{"id":"TB-1","{text}":1}}'
        yield f'{{"id":"TB-1","criteria":{{"{text}":{{}}}}}}'
        yield f'{{"id":"TB-1","status":"{text}","criteria":{{"age":{{"min":"{text}"}}}}}}'
        yield f'{{"id":"TB-1","criteria":{{"diagnosis":{{"oncotree":["{text}"]}}}}}}'
        yield f"id: {text}: {text}"
    yield f"# {' '.join(TEXTS)}\nid: TB-PLANTED-1\ntitle: {' '.join(TEXTS)}\ncriteria: {{age: {{min: 18}}}}\n"
