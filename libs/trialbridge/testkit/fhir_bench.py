"""``python -m trialbridge.testkit.fhir_bench [megabytes]``: FHIR R4 resources per second and core, or the memory of a large NDJSON file."""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.fhir.checks import fits
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.files import convert_files
from trialbridge.emr.jsontext import decode, encode
from trialbridge.emr.records import Entry, Feed, Resource
from trialbridge.emr.sniff import JSON, NDJSON
from trialbridge.testkit.memory import peak_megabytes
from trialbridge.testkit.packing import collection, ndjson
from trialbridge.testkit.world import make_world

PATIENTS: Final = 60
ROUNDS: Final = 7
LEARNING: Final = 20
"""Rounds before those that are measured."""
SAMPLED: Final = 300
"""Resources that the reference models read: they are slow."""
FEED: Final = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/fhir"), "2026-11-21T08:00:00Z")
_NOWHERE: Final = Place()


def resources(patients: int = PATIENTS) -> list[Resource]:
    """Return the FHIR resources of the synthetic world, about 1 kB each."""
    deliveries = (one for one in make_world(patients=patients).deliveries if one.source.format == "fhir")
    return [dict(each) for one in deliveries for each in one.resources]


def per_second(work: Callable[[], object], count: int, rounds: int = ROUNDS) -> float:
    """Return how many of ``count`` things ``work`` does in a second of processor time, in the fastest of several rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return count / best


def rates(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Return rows: FHIR R4 in and out as NDJSON and as Bundle, checks and account with it, and what parts of it take by themselves.

    ``per_second`` is the way of the coat check, where resources go out as JSON and most are recognised by their text
    (`emr.fhir.forms`: the first rounds learn, as a service does in its first minutes); ``as_objects`` the way where they are read
    after all. ``least`` is JSON decoding and the schema's check alone; ``reference_models`` is fhir.resources, which only reads and
    checks.
    """
    given = resources()
    bodies = {NDJSON: ndjson(given), JSON: collection(given, "https://ehr.example/fhir")}
    lines = bodies[NDJSON].splitlines()
    least = per_second(lambda: [fits(decode(line, _NOWHERE)) for line in lines], len(lines), rounds)
    models = per_second(lambda: _by_models(given[:SAMPLED]), SAMPLED, min(rounds, 2))
    found = []
    for media, body in bodies.items():
        entry = Entry("x", media, body)
        for _ in range(LEARNING):
            _convert(entry, as_texts=True)
        rate = per_second(lambda entry=entry: _convert(entry, as_texts=True), len(given), rounds)  # type: ignore[misc]
        objects = per_second(lambda entry=entry: _convert(entry, as_texts=False), len(given), rounds)  # type: ignore[misc]
        found.append(
            {
                "format": media,
                "resources": len(given),
                "bytes_each": round(len(body) / len(given)),
                "per_second": round(rate),
                "megabytes_per_second": round(rate * len(body) / len(given) / 1e6),
                "as_objects": round(objects),
                "least": round(least),
                "reference_models": round(models),
                "ratio": round(rate / models, 1),
            }
        )
    return found


def _convert(entry: Entry, *, as_texts: bool) -> int:
    """Convert, and take what comes out of it."""
    found = convert([entry], FEED, as_texts=as_texts)
    return sum(len(one.texts or one.resources) for one in found.patients)


def _by_models(given: Sequence[Resource]) -> None:
    for one in given:
        check_by_model(one, _NOWHERE)


def memory(megabytes: int) -> dict[str, Any]:
    """Return what the largest moment of converting one large NDJSON file took, the whole process with it."""
    with tempfile.TemporaryDirectory(prefix="trialbridge-bench-") as folder:
        path, out = Path(folder) / "large.jsonl", Path(folder) / "out"
        out.mkdir()
        size = _write(path, megabytes * 1_000_000)
        start = time.process_time()
        report = convert_files([path], out)
        seconds = time.process_time() - start
    peak = peak_megabytes()
    count = sum(report["resources"].values())
    return {"bytes": size, "resources": count, "seconds": round(seconds, 1), "peak_mb": peak}


def _write(path: Path, size: int) -> int:
    """Write the world's resources again and again, each time of other patients."""
    text = ndjson(resources())
    written = turn = 0
    with path.open("wb") as file:
        while written < size:
            own = b"%d-" % turn
            for name in (b'"id":"', b'"reference":"Patient/'):
                text = text.replace(name + (b"%d-" % (turn - 1) if turn else b""), name + own)
            written += file.write(text)
            turn += 1
    return written


def main() -> None:
    """Write one line of JSON for each measurement."""
    rows = [memory(int(sys.argv[1]))] if sys.argv[1:] else rates()
    for row in rows:
        sys.stdout.buffer.write(encode(row) + b"\n")


if __name__ == "__main__":
    main()
