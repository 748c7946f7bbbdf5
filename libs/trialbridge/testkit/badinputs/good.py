"""Good records to stand beside bad ones: small, complete patients, each with a number of its own."""

from collections.abc import Sequence
from typing import Any, Final

from trialbridge.testkit.packing import ndjson
from trialbridge.testkit.places import COUNTY, NORTH, Source

HL7V2: Final = "x-application/hl7-v2+er7"
LUNG: Final = {"system": "http://snomed.info/sct", "code": "254637007", "display": "Non-small cell lung cancer"}

Resource = dict[str, Any]


def patient(local: str, source: Source = NORTH) -> list[Resource]:
    """Return a patient with one diagnosis as FHIR R4."""
    terms = "http://terminology.hl7.org/CodeSystem/"
    return [
        {
            "resourceType": "Patient",
            "id": local,
            "identifier": [{
                "type": {"coding": [{"system": f"{terms}v2-0203", "code": "MR"}]},
                "system": source.mrn_system,
                "value": local,
            }],
            "name": [{"family": "Testperson", "given": ["Ann"]}],
            "gender": "female",
            "birthDate": "1960-02-03",
        },
        {
            "resourceType": "Condition",
            "id": f"c-{local}",
            "clinicalStatus": {"coding": [{"system": f"{terms}condition-clinical", "code": "active"}]},
            "verificationStatus": {"coding": [{"system": f"{terms}condition-ver-status", "code": "confirmed"}]},
            "code": {"coding": [LUNG]},
            "subject": {"reference": f"Patient/{local}"},
            "recordedDate": "2026-04-02",
        },
    ]  # fmt: skip


def lines(local: str) -> bytes:
    """Return NDJSON of one good patient."""
    return ndjson(patient(local))


def segments(local: str, control: str = "", event: str = "A04", source: Source = COUNTY) -> list[str]:
    """Return the segments of an HL7 v2 ADT message of one good patient with one diagnosis."""
    sent = "20260530090000+0000"
    return [
        f"MSH|^~\\&|EHR|{source.prefix}|TRIALBRIDGE|LAKELAND|{sent}||ADT^{event}^ADT_A01|{control or local}|P|2.5.1",
        f"EVN|{event}|{sent}",
        f"PID|1||{local}^^^{source.mrn_authority}^MR||Testperson^Ann^^^^^L||19600203|F",
        "DG1|1||C34.1^Malignant neoplasm of upper lobe^I10C||20260402|F",
    ]


def results(local: str, control: str, rows: Sequence[str], source: Source = COUNTY) -> list[str]:
    """Return the segments of an HL7 v2 ORU message with OBX ``rows`` about a patient."""
    sent = "20260530090000+0000"
    return [
        f"MSH|^~\\&|EHR|{source.prefix}|TRIALBRIDGE|LAKELAND|{sent}||ORU^R01^ORU_R01|{control}|P|2.5.1",
        f"PID|1||{local}^^^{source.mrn_authority}^MR||Testperson^Ann^^^^^L||19600203|F",
        f"OBR|1||{control}|CHEM^CHEM^L|||20260530080000+0000",
        *rows,
    ]


def v2(*messages: Sequence[str]) -> bytes:
    """Return HL7 v2 messages one after another."""
    return "".join("\r".join(message) + "\r" for message in messages).encode()
