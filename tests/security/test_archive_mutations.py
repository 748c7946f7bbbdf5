"""Archives and compressed streams changed at random, whole packages of documents among them: no crash, refused by code or accounted for."""

import io
import random
import zipfile
from collections.abc import Callable
from functools import cache

import pytest

from services.coatcheck.containers.limits import MIB, Limits
from services.coatcheck.containers.unpack import Companion, Found, Large, Spoiled, Unpacked, unpack
from services.coatcheck.conversion import open_deliveries
from services.coatcheck.tickets import make_ticket
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId, digest
from trialbridge.runtime.ports import ObjectInfo
from trialbridge.testkit.ccda_documents import document
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.testkit.packing import gzipped, ndjson, tarred, zipped, zstandardised

LIMITS = Limits(total_bytes=16 * MIB, entries=200, depth=4, ratio=100, ratio_from=4 * MIB)
MEDIA = "application/fhir+ndjson"
EXTRA = (
    b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x07", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"ustar", b"\xff" * 4, bytes(4),
    b"../../", b"9" * 12,
)  # fmt: skip


@cache
def lines() -> bytes:
    people = [{"resourceType": "Patient", "id": f"p{n}", "birthDate": "1970-01-01"} for n in range(4)]
    about = [{"reference": f"Patient/p{n % 4}"} for n in range(12)]
    seen = [
        {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": {"text": "x"}, "subject": one}
        for n, one in enumerate(about)
    ]  # fmt: skip
    return ndjson([*people, *seen])


@cache
def package() -> bytes:
    """Return a package as IHE XDM has them."""
    inside = "IHE_XDM/SUBSET01/"
    return zipped([
        ("INDEX.HTM", b"<html>"), ("README.TXT", b"read me"), (f"{inside}METADATA.XML", b"<x/>"), (f"{inside}CDA.XSL", b"<x/>"),
        (f"{inside}DOC0001.XML", document(4_000)), (f"{inside}DOC0002.XML", document(4_000) + b"\n"),
    ])  # fmt: skip


MADE: dict[str, Callable[[], bytes]] = {
    "zip": lambda: zipped([("a.ndjson", lines()), ("b.json", lines().split(b"\n")[0]), ("c.gz", gzipped(lines()))]),
    "xdm": package,
    "xdm in a zip": lambda: zipped([("mail/one.xdm", package()), ("a.ndjson", lines())]),
    "tar": lambda: tarred([("a.ndjson", lines()), ("x" * 150, lines()), ("one.xdm", package())]),
    "gzip": lambda: gzipped(lines()) + gzipped(lines()),
    "zstd": lambda: zstandardised(lines()),
    "tar in gzip": lambda: gzipped(tarred([("a.ndjson", lines()), ("b.zst", zstandardised(lines()))])),
    "tar in zstd": lambda: zstandardised(tarred([("a.ndjson.gz", gzipped(lines())), ("b.zip", zipped([("c", lines())]))])),
}  # fmt: skip
UNCHECKED = {"tar", "zstd", "tar in zstd"}
"""Formats that have no checksum of their content: a changed content is a content."""


def changed(body: bytes, rng: random.Random) -> bytes:
    found = bytearray(body)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        # Directories lie at the end of zips, heads at the beginning of all others.
        places = (
            rng.randrange(len(found) + 1),
            rng.randrange(min(len(found), 600) + 1),
            max(0, len(found) - rng.randrange(500)),
        )
        at, size = rng.choice(places), rng.choice((1, 1, 2, 4, 30, 512))
        match rng.randrange(7):
            case 0:
                del found[at : at + size]
            case 1:
                found[at:at] = found[at : at + size]
            case 2:
                found[at : at + size] = rng.randbytes(size)
            case 3:
                found[at : at + 4] = rng.choice(EXTRA)
            case 4 if at < len(found):
                found[at] ^= 1 << rng.randrange(8)
            case 5:
                del found[at:]
            case _:
                found[at:at] = rng.choice(EXTRA)
    return bytes(found)


def ticket_of(body: bytes, media: str) -> TicketIssued:
    return make_ticket(
        ObjectInfo("s3://bundles/one", "1", len(body), {}), digest(body), network=NetworkId("lakeland"), tenant=TenantId("north"),
        source=SourceId("north/ehr"), media_type=media, created="2026-05-31T20:00:00Z", expires="2026-06-08T00:00:00Z",
    )  # fmt: skip


def unfolded(body: bytes) -> tuple[list[Found], str]:
    """Return what lies in a bundle, as far as it unfolds, and by which code it ends."""
    found: list[Found] = []
    try:
        for one in unpack(body, LIMITS):
            found.append(one)  # noqa: PERF402 - what came before an error counts too
    except Refused as error:
        return found, error.code
    return found, ""


def judge(name: str, body: bytes, known: set[bytes]) -> str:
    """Fail where a spoilt archive gives what was never in it, loses a member without a word, or ends otherwise than by a code."""
    found, code = unfolded(body)
    assert code.partition(".")[0] in ("", "container")
    whole = [one for one in found if isinstance(one, Unpacked)]
    assert len({one.entry for one in whole}) == len(whole)
    assert not any(isinstance(one, Large) for one in found)
    if name not in UNCHECKED and not code:
        # What no longer begins as its container does is a plain file; a stream may have lost or doubled a whole member.
        strange = [
            one for one in whole if one.body not in known and one.body != body and one.body.replace(lines(), b"")
        ]
        assert not strange
    if name == "zip" and not code and body[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [one for one in archive.infolist() if not one.filename.endswith("/")]
        assert len({one.entry.split("/")[0] for one in found if not isinstance(one, Spoiled)} | {
            str(one.error.place.entry).split("/")[0] for one in found if isinstance(one, Spoiled)
        }) == len(members)  # fmt: skip
    for one in found:
        if isinstance(one, Spoiled):
            assert one.error.code.startswith("container.")
            assert one.error.place.entry
        else:
            assert isinstance(one, Unpacked | Companion)
    return code


def convert_all(body: bytes, media: str) -> None:
    """Convert what a spoilt bundle gives, by the coat check's own way."""
    names = MemoryKeys("north").pseudonyms()
    try:
        for one in open_deliveries(body, len(body), ticket_of(body, media), names, LIMITS, 1000):
            leaves = one.account["leaves"]
            assert leaves["unaccounted"] == 0
            assert leaves["mapped"] + leaves["kept"] + leaves["dropped"] == leaves["leaves"]
            for bad in one.set_aside:
                assert bad.error.place.bundle == "s3://bundles/one"
    except Refused as error:
        if not error.code.startswith(("container.", "bundle.")):
            raise


def run(name: str, count: int, seed: int, convert_every: int) -> dict[str, int]:
    """Return how often each code came."""
    body = MADE[name]()
    known = {one.body for one in unfolded(body)[0] if isinstance(one, Unpacked)}
    media = "application/cda+xml" if "xdm" in name else MEDIA
    codes: dict[str, int] = {}
    for number in range(count):
        spoilt = changed(body, random.Random(f"{seed}/{name}/{number}"))
        try:
            code = judge(name, spoilt, known)
            if number % convert_every == 0:
                convert_all(spoilt, media)
        except Exception as error:
            error.add_note(f"seed {seed}, {name}, change {number}")
            raise
        codes[code] = codes.get(code, 0) + 1
    return codes


@pytest.mark.parametrize("name", MADE)
def test_some_changes_of_each_archive_are_refused_or_accounted_for(name: str) -> None:
    codes = run(name, 120, 1, 10)
    assert len(codes) > 1
    assert codes.get("container.broken", 0) > 10


def test_a_member_of_a_zip_may_have_no_name() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), lines())
    assert unfolded(out.getvalue()) == ([Unpacked("1", "", lines())], "")


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", MADE)
def test_ten_thousand_changes_of_each_archive(name: str) -> None:
    codes = run(name, 10_000, 2, 40)
    assert sum(codes.values()) == 10_000
