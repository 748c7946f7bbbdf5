"""``python -m trialbridge.testkit.ccda_bench [megabytes]``: milliseconds of a C-CDA document by size, or the memory of a large one."""

import sys
import time
from typing import Any, Final

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed
from trialbridge.runtime.collector import calm_collector
from trialbridge.testkit.ccda_documents import document, sizes
from trialbridge.testkit.memory import peak_megabytes

KILOBYTES: Final = (48, 155, 244)
ROUNDS: Final = 20
FEED: Final = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/ccda"), "2026-11-21T08:00:00Z")


def converted(body: bytes) -> Conversion:
    """Return what a document becomes, checks and account with it."""
    return convert([Entry("document.xml", "application/cda+xml", body)], FEED)


def milliseconds(body: bytes, rounds: int = ROUNDS) -> float:
    """Return the processor time of the fastest of several conversions."""
    converted(body)
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        converted(body)
        best = min(best, time.process_time() - start)
    return best * 1000


def times() -> list[dict[str, Any]]:
    """Return bytes, resources and milliseconds of a document of each size."""
    found = []
    for body in sizes(KILOBYTES):
        account = converted(body).account
        count = account["resources"] + account["shared"]
        found.append({"bytes": len(body), "resources": count, "ms": round(milliseconds(body), 1)})
    return found


def memory(megabytes: int) -> dict[str, Any]:
    """Return what the largest moment of a conversion of one large document took, the whole process with it."""
    body = document(megabytes * 1_000_000)
    found = converted(body)
    return {"bytes": len(body), "resources": found.account["resources"], "peak_mb": peak_megabytes()}


def main() -> None:
    """Write one line of JSON for each measurement, in a process that looks for garbage as those of the services do."""
    calm_collector()
    rows = [memory(int(sys.argv[1]))] if sys.argv[1:] else times()
    for row in rows:
        sys.stdout.buffer.write(encode(row) + b"\n")


if __name__ == "__main__":
    main()
