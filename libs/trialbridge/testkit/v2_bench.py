"""``python -m trialbridge.testkit.v2_bench``: HL7 v2 messages per second and core, parse, map, checks and account, by size."""

import importlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.hl7v2.converter import MEDIA_TYPE
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed
from trialbridge.runtime.collector import calm_collector

FEED: Final = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/adt"), "2026-11-21T08:00:00Z")
ROUNDS: Final = 8
MESSAGES: Final = 40
"""In each round, each of another patient, as they come in a batch."""
_HEAD: Final = (
    "MSH|^~\\&|EHR|NORTH|TB|LAKELAND|20260601090000+0000||{kind}|{control}|P|2.5.1",
    (
        "PID|1||{local}^^^NORTH&2.16.840.1.113883.19.5.1&ISO^MR~M{local}^^^LAKE^MB||"
        "Muster^Erika^B^^^^L||19600203|F|||1 Lake Way^^Town^MI^48000^USA^H"
        "||^PRN^PH^^1^555^1230000||eng|M^Married^HL70002"
    ),
    "PV1|1|I|W1^R2^B3^NORTH||||1234^Attend^Al^^^Dr^MD||||||||||||V{local}^^^NORTH^VN|||||||||||||||||||||||||20260530080000",
)
_VISIT: Final = (
    "PD1||||99^Primary^Pat^^^Dr^MD",
    "NK1|1|Muster^Max|SPO^Spouse^HL70063|1 Lake Way^^Town^MI^48000|^PRN^PH^^1^555^1230001",
    "AL1|1|DA|7980^Penicillin^RXNORM|SV|Hives|20200101",
    "DG1|1||C34.1^Malignant neoplasm of upper lobe^I10C||20260402|F",
    "IN1|1|PLAN1^Gold^L|INS1|Insurer Co|PO Box 1^^Town^MI|||||||20260101|||HMO|Muster^Erika|SEL",
)
_ORDER: Final = (
    "ORC|RE|P{local}^EHR|F{local}^LAB||CM||||20260530070000|||33^Order^Olga",
    "OBR|1|P{local}^EHR|F{local}^LAB|57021-8^CBC panel^LN|||20260530080000|||||||||33^Order^Olga||||||20260530090000||LAB|F",
)
_RESULT: Final = (
    "OBX|{n}|NM|{code}-7^Analyte {code}^LN||{value}|g/dL^g/dL^UCUM|12.0-17.5|N^Normal^HL70078|||F|||20260530080000"
)


def admission(number: int, size: int) -> str:
    """Return an ADT^A08 of at least ``size`` bytes: a patient with a visit, a diagnosis, an allergy, an insurance."""
    return _filled((*_HEAD, *_VISIT), "ADT^A08^ADT_A01", number, size)


def report(number: int, size: int) -> str:
    """Return an ORU^R01 of at least ``size`` bytes: a patient with an order and its results."""
    return _filled((*_HEAD, *_ORDER), "ORU^R01^ORU_R01", number, size)


def _filled(segments: Sequence[str], kind: str, number: int, size: int) -> str:
    text = "\r".join(segments).format(kind=kind, control=f"C{number}", local=100_000 + number) + "\r"
    n = 0
    while len(text) < size:
        n += 1
        text += _RESULT.format(n=n, code=1000 + n, value=f"{12 + n}.{number % 100:02}") + "\r"
    return text


def converted(text: str) -> Conversion:
    """Return what messages become, checks and account with it."""
    return convert([Entry("batch.hl7", MEDIA_TYPE, text.encode())], FEED)


def per_second(work: Callable[[], object], count: int, rounds: int = ROUNDS) -> float:
    """Return how many of ``count`` things ``work`` does in a second of processor time, in the fastest of several rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return count / best


def rates(sizes: Sequence[int] = (1_500, 8_000), rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Return a row for each kind and size: bytes, resources, messages per second, and how that compares with python-hl7's parse alone.

    ``alone`` is the rate where each message is a conversion of its own, as in the gateway. The comparison is there where python-hl7 is
    installed, as it is for whoever develops.
    """
    found = []
    for kind, make in (("ADT", admission), ("ORU", report)):
        for size in sizes:
            texts = [make(number, size) for number in range(MESSAGES)]
            batch = "".join(texts)
            account = converted(batch).account
            row: dict[str, Any] = {"kind": kind, "bytes": len(texts[0])}
            row["resources"] = round((account["resources"] + account["shared"]) / MESSAGES, 1)
            row["per_second"] = round(per_second(lambda batch=batch: converted(batch), MESSAGES, rounds))  # type: ignore[misc]
            row["alone"] = round(per_second(lambda texts=texts: [converted(text) for text in texts], MESSAGES, rounds))  # type: ignore[misc]
            other = _python_hl7(texts, rounds)
            if other is not None:
                row |= {"python_hl7_parse": round(other), "ratio": round(row["per_second"] / other, 2)}
            found.append(row)
    return found


def _python_hl7(texts: Sequence[str], rounds: int) -> float | None:
    try:
        parse = importlib.import_module("hl7").parse
    except ImportError:
        return None
    return per_second(lambda: [parse(text) for text in texts], len(texts), rounds)


def main() -> None:
    """Write one line of JSON for each measurement, in a process that looks for garbage as those of the services do."""
    calm_collector()
    for row in rates():
        sys.stdout.buffer.write(encode(row) + b"\n")


if __name__ == "__main__":
    main()
