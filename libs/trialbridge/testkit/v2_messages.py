"""HL7 v2.5.1 messages of the synthetic world: ADT^A04/A08 with diagnoses and ORU^R01 with results."""

from collections.abc import Iterable, Sequence
from datetime import date

from trialbridge.testkit.diseases import Disease
from trialbridge.testkit.histories import LabResult, Markers
from trialbridge.testkit.persons import Person
from trialbridge.testkit.places import MEMBER_AUTHORITY, Source

CR = "\r"
Obx = tuple[str, str, str, str, str, date]
"""Value type, coded name, value, unit, reference range, day."""


def _day(on: date) -> str:
    return on.strftime("%Y%m%d")


def header(source: Source, kind: str, control: str, on: date) -> str:
    """Return the MSH segment of a message of ``kind`` (``ADT^A04^ADT_A01``)."""
    sent = f"{_day(on)}090000+0000"
    return f"MSH|^~\\&|EHR|{source.prefix}|TRIALBRIDGE|LAKELAND|{sent}||{kind}|{control}|P|2.5.1|||AL|NE||UNICODE UTF-8"


def identity(person: Person, source: Source, local: str, *, birth: date | None = None) -> str:
    """Return the PID segment with the local record number (MR) and the network's member number (MB)."""
    numbers = f"{local}^^^{source.mrn_authority}^MR~{person.member}^^^{MEMBER_AUTHORITY}^MB"
    address = f"{person.street}^^{person.city}^MI^{person.postal}^USA^H"
    phone = f"{person.phone}^PRN^PH"
    sex = "F" if person.sex == "female" else "M"
    born = _day(birth or person.birth)
    return f"PID|1||{numbers}||{person.family}^{person.given}^^^^^L||{born}|{sex}|||{address}||{phone}"


def admit(
    person: Person,
    source: Source,
    local: str,
    on: date,
    disease: Disease,
    diagnosed: date,
    *,
    event: str = "A04",
    birth: date | None = None,
) -> str:
    """Return an ADT message (``A04`` registration or ``A08`` update) that carries the cancer diagnosis in DG1."""
    control = f"{source.prefix}{local}{_day(on)}{event}"
    segments = (
        header(source, f"ADT^{event}^ADT_A01", control, on),
        f"EVN|{event}|{_day(on)}090000+0000",
        identity(person, source, local, birth=birth),
        "PV1|1|O|ONC^^^" + source.prefix,
        f"DG1|1||{disease.icd10}^{disease.name}^I10C||{_day(diagnosed)}|F",
    )
    return CR.join(segments) + CR


def _obx(number: int, row: Obx) -> str:
    kind, name, value, unit, limits, on = row
    return f"OBX|{number}|{kind}|{name}||{value}|{unit}|{limits}||||F|||{_day(on)}080000+0000"


def results(person: Person, source: Source, local: str, on: date, order: str, rows: Sequence[Obx]) -> str:
    """Return an ORU^R01 message of one order; ``order`` names it (``CBC``, ``ECOG``) and makes its control id."""
    control = f"{source.prefix}{local}{_day(on)}{order}"
    segments = [
        header(source, "ORU^R01^ORU_R01", control, on),
        identity(person, source, local),
        f"OBR|1||{control}|{order}^{order}^L|||{_day(on)}080000+0000|||||||||||||||{_day(on)}090000+0000|||F",
        *(_obx(number, row) for number, row in enumerate(rows, 1)),
    ]
    return CR.join(segments) + CR


def lab_rows(labs: Iterable[LabResult]) -> list[Obx]:
    """Return laboratory results as OBX rows, LOINC coded, UCUM units, with reference range."""
    return [
        (
            "NM",
            f"{each.test.loinc}^{each.test.name}^LN",
            each.value,
            f"{each.test.unit}^{each.test.unit}^UCUM",
            f"{each.test.low}-{each.test.high}",
            each.on,
        )
        for each in labs
    ]


def ecog_row(score: int, on: date) -> Obx:
    """Return the ECOG performance status as an OBX row (LOINC 89247-1)."""
    return ("NM", "89247-1^ECOG performance status^LN", str(score), "{score}^{score}^UCUM", "0-5", on)


def stage_row(stage: str, on: date) -> Obx:
    """Return the clinical stage group as an OBX row (LOINC 21908-9)."""
    return ("CWE", "21908-9^Clinical stage group^LN", f"{stage}^{stage}^AJCC", "", "", on)


_ANSWERS = {
    "positive": "10828004^Positive^SCT",
    "negative": "260385009^Negative^SCT",
    "low": "62482003^Low^SCT",
}


def marker_rows(tested: Markers, on: date) -> list[Obx]:
    """Return tumour markers as OBX rows."""
    rows: list[Obx] = []
    for loinc, name, state in (("85337-4", "ER", tested.er), ("85339-0", "PR", tested.pr)):
        if state is not None:
            rows.append(("CWE", f"{loinc}^{name}^LN", _ANSWERS["positive" if state else "negative"], "", "", on))
    if tested.her2 is not None:
        rows.append(("CWE", "48676-1^HER2^LN", _ANSWERS[tested.her2], "", "", on))
    if tested.pdl1 is not None:
        rows.append(("NM", "85147-7^PD-L1 22C3^LN", str(tested.pdl1), "%^%^UCUM", "", on))
    return rows
