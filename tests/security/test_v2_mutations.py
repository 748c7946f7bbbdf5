"""HL7 v2 messages spoiled at random: nothing crashes, what goes out is valid, errors are located and quote nothing."""

import random
import re
from collections.abc import Callable

import pytest

from tests.unit.emr.hl7v2.samples import MEDIA, NAMES, every, message, read, references_in
from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.hl7v2.acknowledgement import acknowledge
from trialbridge.emr.records import Conversion, Entry, Feed

SEED = 20_261_121
SECRETS = ("Muster", "Erika", "4711", "Lake Way", "Penicillin")
WILD = (
    "", " ", '""', "0", "-1", "1e999", "NaN", "99999999999999999999", "20261332", "2026", "x" * 3_000, "^^^^", "~~~", "&&&",
    "a^b&c~d", "\\", "\\X\\", "\\XZZ\\", "\\.br\\", "\\F", "<script>", "'\"<>&", "\u202e", "\U0001f9ec", "\x00", "\t",
    "20260530080000+9900", "00010101", "99991231235959-1400", "ISO", "UUID", "Base64", "1.50", "<5", ">=", "H", "D", "W", "CA",
    "SCT", "LN", "é",
)  # fmt: skip
TYPES = ("NM", "SN", "CWE", "ED", "RP", "TS", "TM", "DR", "NA", "NR", "CQ", "VR", "ZZ", "")


Rows = list[list[str]]
Change = Callable[[random.Random, Rows, int, int], None]


def drop(_: random.Random, rows: Rows, at: int, __: int) -> None:
    if len(rows) > 1:
        del rows[at]


def repeat(rng: random.Random, rows: Rows, at: int, _: int) -> None:
    rows.insert(rng.randrange(len(rows) + 1), list(rows[at]))


def revalue(rng: random.Random, rows: Rows, at: int, field: int) -> None:
    rows[at][field : field + 1] = [rng.choice(WILD)]


def borrow(rng: random.Random, rows: Rows, at: int, field: int) -> None:
    rows[at][field : field + 1] = [rng.choice(rng.choice(rows))]


def shorten(_: random.Random, rows: Rows, at: int, field: int) -> None:
    del rows[at][field:]


def shift(rng: random.Random, rows: Rows, at: int, field: int) -> None:
    rows[at].insert(field, rng.choice(WILD))


def change_part(rng: random.Random, rows: Rows, at: int, field: int) -> None:
    parts = re.split(r"([\^&~])", rows[at][field]) if field < len(rows[at]) else [""]
    parts[rng.randrange(len(parts))] = rng.choice(WILD)
    rows[at][field : field + 1] = ["".join(parts)]


def rename(rng: random.Random, rows: Rows, at: int, _: int) -> None:
    rows[at][0] = rng.choice([*(one[0] for one in rows), "ZZZ", "QQQ", "obx", ""])


def retype(rng: random.Random, rows: Rows, _: int, __: int) -> None:
    for row in rows:
        if row[0] == "OBX" and len(row) > 2 and rng.random() < 0.3:
            row[2] = rng.choice(TYPES)


def shuffle(rng: random.Random, rows: Rows, _: int, __: int) -> None:
    rest = rows[1:]
    rng.shuffle(rest)
    rows[1:] = rest


CHANGES: tuple[Change, ...] = (
    drop, repeat, revalue, revalue, revalue, borrow, shorten, shift, change_part, change_part, rename, retype, shuffle,
)  # fmt: skip


def spoiled_fields(rng: random.Random, text: str) -> str:
    """Return a message with some segments, fields, repetitions and components changed."""
    rows = [row.split("|") for row in text.strip().split("\r")]
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(rows))
        rng.choice(CHANGES)(rng, rows, at, rng.randrange(1, max(2, len(rows[at]))))
    return "\r".join("|".join(row) for row in rows) + "\r"


def spoiled_bytes(rng: random.Random, body: bytes) -> bytes:
    match rng.randrange(6):
        case 0:
            return body[: rng.randrange(len(body))]
        case 1:
            at = rng.randrange(len(body))
            return body[:at] + rng.randbytes(rng.randrange(4)) + body[at + rng.randrange(4) :]
        case 2:
            head = rng.choice([b"8859/1", b"UNICODE UTF-16", b"ISO IR87", b"GB 18030-2000", b"klingon", b"\xff"])
            return body.replace(b"|2.5.1", b"|2.5.1||||||" + head, 1)
        case 3:
            start, end = sorted(rng.randrange(len(body)) for _ in range(2))
            return body[:start] + body[end:]
        case 4:
            return body.decode().encode(rng.choice(["utf-16", "utf-32", "utf-16-le", "cp037", "utf-7"]))
        case _:
            return body + rng.choice([body, b"MSH|", b"\0", b"\x0b\x1c", rng.randbytes(9), b"BTS|1\rFTS|1"])


def spoiled(rng: random.Random) -> bytes:
    text = message(rng.choice(NAMES))
    return (
        spoiled_fields(rng, text).encode(errors="replace") if rng.random() < 0.8 else spoiled_bytes(rng, text.encode())
    )


def judge(found: Conversion, body: bytes) -> None:
    everything = every(found)
    known = {f"{one['resourceType']}/{one['id']}" for one in everything}
    for resource in everything:
        check(resource, Place())
        assert set(references_in(resource)) <= known
    leaves = found.account["leaves"]
    assert leaves["unaccounted"] == 0
    assert leaves["mapped"] + leaves["kept"] + leaves["dropped"] == leaves["leaves"]
    for one in found.set_aside:
        assert one.error.code.partition(".")[0] in ("v2", "fhir")
        assert one.error.place.entry == "m.hl7"
        assert one.error.place.message
        assert not any(secret in f"{one.error} {one.error.place}" for secret in SECRETS)
    answer = acknowledge(body, "AE", [one.error for one in found.set_aside], at="20260601090000+0000")
    assert answer.startswith(b"MSH")
    assert b"\rMSA" in answer
    assert not any(secret.encode() in answer.partition(b"\rERR")[2] for secret in SECRETS)


def run(count: int, seed: int) -> None:
    print(f"seed {seed}, {count} messages")  # noqa: T201 - what pytest shows of a failure
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        body = spoiled(rng)
        try:
            judge(read(body), body)
        except Exception as error:
            error.add_note(f"seed {seed}, message {number}")
            raise


def test_three_hundred_spoiled_messages() -> None:
    run(300, SEED)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ten_thousand_spoiled_messages(seed: int) -> None:
    run(10_000, seed)


def test_a_spoiled_message_does_not_touch_the_others_of_its_bundle() -> None:
    feed = Feed(NetworkId("lake"), TenantId("other"), SourceId("other/ehr"), "2026-06-01T06:00:00Z", alone=True)
    good = Entry("good.hl7", MEDIA, message("ORU_R01").replace("4711^", "88^").encode())
    alone = convert([good], feed)
    rng = random.Random(SEED)
    for _ in range(40):
        bad = Entry("bad.hl7", MEDIA, spoiled(rng))
        found = convert([bad, good], feed)
        assert [one for one in found.patients if one.local_patient == "88"] == list(alone.patients)
