"""HL7 v2 that cannot be read: broken structure, bad encodings, bad dates; in a file with good messages that must come through."""

from collections.abc import Iterator, Sequence
from typing import Final

from trialbridge.contracts.errors import Place
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.badinputs.good import HL7V2, results, segments, v2
from trialbridge.testkit.badinputs.model import BadInput, Bundle, Fault, Group, refused, set_aside
from trialbridge.testkit.places import COUNTY

NO_HEADER: Final = "v2.no-header"
BAD_DATE: Final = "v2.bad-date"
HEADLESS: Final = (
    "PID|1||77^^^CH^MR", "msh|^~\\&|EHR", "MSH", "MSH|", "MSHA^~\\&AEHR", "MSH0^~\\&0EHR", "EVN|A04|20260530", "hello", "{}", "<HL7/>",
)  # fmt: skip
"""Texts that stand in front of the first message and are none."""
LINES: Final = ("pid|1||7", "P1|1", "PID^1^^7", "OBX 1", "1BX|1", "Z|1", "PID;1;;7", "ZZ", "free text")
"""Lines that are no segments of a message with the separator |."""
TYPES: Final = ("ZZZ^Z99", "ACK", "QRY^A19", "MFN^M02", "", "ADT_A04", "ADT^Z77", "A04^ADT", "|")
STAMPS: Final = (
    "1960-02-03",
    "19601301",
    "19600230",
    "19600000",
    "00000101",
    "196",
    "3. Feb 1960",
    "196002031",
    "19600203T10",
    "abc",
)
ROWS: Final = (
    ("OBX|1|NM|718-7^Hemoglobin^LN||twelve|g/dL|||||F", "v2.bad-number", 5),
    ("OBX|1|NM|718-7^Hemoglobin^LN||1,5|g/dL|||||F", "v2.bad-number", 5),
    ("OBX|1|NM|718-7^Hemoglobin^LN||NaN|g/dL|||||F", "v2.bad-number", 5),
    ("OBX|1|NM|718-7^Hemoglobin^LN||1e|g/dL|||||F", "v2.bad-number", 5),
    ("OBX|1|SN|718-7^Hemoglobin^LN||>^many|g/dL|||||F", "v2.bad-number", 5),
    ("OBX|1|NM|||12|g/dL|||||F", "v2.no-code", 3),
    ("OBX|1|ST|^^LN||text||||||F", "v2.no-code", 3),
    ("OBX|1|DT|21112-8^Birth date^LN||1960-02-03||||||F", BAD_DATE, 5),
    ("OBX|1|NM|718-7^Hemoglobin^LN||12|g/dL|||||F|||20260230", BAD_DATE, 14),
    ("OBX|1|NM|718-7^Hemoglobin^LN||12|g/dL|||||F|||tomorrow", BAD_DATE, 14),
)


def _file(plain: bytes) -> Bundle:
    return Bundle(plain=plain, media_type=HL7V2, tenant=COUNTY.tenant, source=COUNTY.id)


def _second(name: str, group: Group, bad: Sequence[str], fault: Fault, local: str) -> BadInput:
    """Return a file with a good message, a bad one, and another good one."""
    plain = v2(segments(local), bad, segments(f"{local}-after"))
    return set_aside(name, group, _file(plain), (fault,), (local, f"{local}-after"))


def _set(rows: Sequence[str], name: str, field: int, value: str) -> list[str]:
    """Return segments with one field of the first segment of a name set."""
    out = []
    for row in rows:
        parts = row.split("|")
        if parts[0] == name:
            at = field - 1 if name == "MSH" else field
            parts += [""] * (at + 1 - len(parts))
            parts[at] = value
        out.append("|".join(parts))
    return out


def structures() -> Iterator[BadInput]:
    """Yield texts without a header, lines that are no segments, messages of other types or without a patient."""
    for number, text in enumerate(HEADLESS):
        local = f"v2-head-{number}"
        fault = Fault(NO_HEADER, Place(entry="1", message=1))
        yield set_aside(f"begins {text!r}", "broken v2", _file(v2([text], segments(local))), (fault,), (local,))
    for number, text in enumerate(LINES):
        local = f"v2-line-{number}"
        bad = [*segments(f"{local}-bad"), text]
        fault = Fault("v2.bad-segment", Place(entry="1", message=2, segment=f"line {len(bad)}"))
        yield _second(f"line {text!r}", "broken v2", bad, fault, local)
    for number, kind in enumerate(TYPES):
        local = f"v2-type-{number}"
        fault = Fault("v2.unsupported-message", Place(entry="1", message=2, segment="MSH[1]", field="9"))
        yield _second(f"type {kind!r}", "broken v2", _set(segments(f"{local}-bad"), "MSH", 9, kind), fault, local)
    header = segments("v2-nobody")[0]
    fault = Fault("v2.no-patient", Place(entry="1", message=2))
    yield _second("ends behind its header", "truncated", [header], fault, "v2-nobody-1")
    yield _second("without PID", "broken v2", [header, "EVN|A04|20260530", "PV1|1|O"], fault, "v2-nobody-2")
    for number, value in enumerate(("", "^^^CH^MR", "77^^^CH^SS", "~~", "77^^^CH^AN")):
        local = f"v2-number-{number}"
        fault = Fault("v2.no-identifier", Place(entry="1", message=2, segment="PID[1]", field="3"))
        bad = _set(segments(f"{local}-bad"), "PID", 3, value)
        yield _second(f"PID-3 {value!r}", "broken v2", bad, fault, local)


def encodings() -> Iterator[BadInput]:
    """Yield whole files in encodings that HL7 v2 does not have, or that are no text."""
    text = v2(segments("never-read")).decode()
    for name in ("cp500", "utf-7", "rot13"):
        body = (
            text.swapcase().encode()
            if name == "rot13"
            else text.encode(name)
            if name == "cp500"
            else b"+" + text.encode()
        )
        yield refused(f"in {name}", "broken v2", _file(body), NO_HEADER, Place(entry="1", message=1))
    for number, body in enumerate(
        (b"\x00" * 40, b"\x89PNG\x0d", b"%PDF-1.7", good.lines("v2-json"), b"FHS|^~\\&|EHR\rnothing")
    ):
        yield refused(f"no v2 {number}", "broken v2", _file(body), NO_HEADER, Place(entry="1", message=1))


def bad_dates() -> Iterator[BadInput]:
    """Yield messages with dates that there are not, or not in HL7's form."""
    for number, stamp in enumerate(STAMPS):
        local = f"v2-born-{number}"
        fault = Fault(BAD_DATE, Place(entry="1", message=2, segment="PID[1]", field="7"))
        yield _second(f"PID-7 {stamp!r}", "bad date", _set(segments(f"{local}-bad"), "PID", 7, stamp), fault, local)
    for number, (name, field) in enumerate((("MSH", 7), ("DG1", 5), ("PID", 29))):
        local = f"v2-dated-{number}"
        fault = Fault(BAD_DATE, Place(entry="1", message=2, segment=f"{name}[1]", field=str(field)))
        bad = _set(segments(f"{local}-bad"), name, field, "20260231")
        if name == "DG1":
            bad.append("DG1|2||C34.3^Malignant neoplasm of lower lobe^I10C||20260403|F")
        plain = v2(segments(local), bad, segments(f"{local}-after"))
        # A diagnosis without its day is set aside alone: who has it comes through, with the other diagnosis.
        more = (f"{local}-bad",) if name == "DG1" else ()
        yield set_aside(f"{name}-{field}", "bad date", _file(plain), (fault,), (local, f"{local}-after", *more))


def bad_results() -> Iterator[BadInput]:
    """Yield results with one bad OBX between good ones: that one alone is set aside."""
    for number, (row, code, field) in enumerate(ROWS):
        local = f"v2-result-{number}"
        fine = "OBX|{}|NM|718-7^Hemoglobin^LN||12.1|g/dL|||||F|||20260530080000+0000"
        sent = results(local, f"C{number}", [fine.format(1), row.replace("OBX|1", "OBX|2"), fine.format(3)])
        fault = Fault(code, Place(entry="1", message=2, segment="OBX[2]", field=str(field)))
        yield set_aside(f"OBX {number}", "bad date" if code == BAD_DATE else "broken v2",
                        _file(v2(segments(local), sent)), (fault,), (local,))  # fmt: skip


def messages() -> Iterator[BadInput]:
    """Yield all of them."""
    yield from structures()
    yield from encodings()
    yield from bad_dates()
    yield from bad_results()
