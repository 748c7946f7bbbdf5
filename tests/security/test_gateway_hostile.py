"""The real-time door against hostile senders, over real sockets: fuzzed messages, smuggled requests, slow headers, floods."""

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from services.gateway.conversion import work
from services.gateway.messages import read
from services.gateway.mllp import END, START, MllpDoor, mllp_server
from services.gateway.routes import HttpDoor, front
from tests.unit.services.gateway.conftest import KEY, NORTH, Gateway, adt
from tests.unit.services.gateway.test_mllp import connect, framed, talk
from trialbridge.runtime.doors import DoorLimits, public_door

HEAD = (
    f"POST /hl7v2 HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/hl7-v2\r\n".encode()
)
PATIENT, HASTY = 60.0, 0.3
"""Seconds that a door waits: more than a machine under load can need, and what a test is ready to wait for."""
PIECES = (b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"MSH|", b"\x00", b"\xff", b"\x0b", b"\\X00\\", b'""', b"9" * 400,
          b"PID|1||||", b"OBX|1|NM|x||1.", b"BHS|^~\\&\r", b"\xef\xbb\xbf", b"ZZZ|1")  # fmt: skip


def mutated(rng: random.Random, body: bytes) -> bytes:
    """Return a message with some pieces cut out, doubled, put in or turned over."""
    for _ in range(rng.randint(1, 6)):
        at, to = sorted((rng.randint(0, len(body)), rng.randint(0, len(body))))
        match rng.randint(0, 3):
            case 0:
                body = body[:at] + body[min(to, at + 40) :]
            case 1:
                body = body[:at] + body[at : at + 60] + body[at:]
            case 2:
                body = body[:at] + rng.choice(PIECES) + body[at:]
            case _:
                body = body[:at] + bytes(rng.randbytes(3)) + body[at:]
    return body


def fuzzed(count: int, seed: int) -> list[bytes]:
    rng = random.Random(seed)
    return [mutated(rng, adt(number)) for number in range(count)]


async def answered(count: int, seed: int) -> dict[str, int]:
    """Send fuzzed messages to a door; each is answered with an acknowledgement, and a sound one between them goes through."""
    gateway, counts = Gateway(rate=1e9), {"AA": 0, "AE": 0, "AR": 0}
    async with gateway.running():
        for number, body in enumerate(fuzzed(count, seed)):
            outcome, ack = await gateway.desk.answer(NORTH, body, "http")
            assert b"MSA|" in ack or b"MSA" in ack
            counts[outcome] += 1
            if number % 50 == 0:
                assert (await gateway.desk.answer(NORTH, adt(1000 + number), "http"))[0] == "AA"
        codes = {letter.code for letter in await gateway.dead_letters()}
    assert "stage.unexpected" not in codes
    return counts


async def test_fuzzed_messages_are_answered_one_by_one() -> None:
    counts = await answered(300, 1)
    assert min(counts.values()) > 0


@pytest.mark.slow
async def test_ten_thousand_fuzzed_messages(seed: int) -> None:
    await answered(10_000, seed)


def test_a_message_that_meets_a_defect_is_set_aside_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from services.gateway import conversion
    from trialbridge.emr.convert import convert

    def broken(entries, feed):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if any(b"M2^^^" in one.body for one in entries):
            raise KeyError("Doe")
        return convert(entries, feed)

    monkeypatch.setattr(conversion, "convert", broken)
    found = work(NORTH, "2026-06-01T08:00:00+00:00", [(read(adt(n))[0].name, adt(n)) for n in (1, 2, 3)])
    assert [row.local_patient for row in found.rows] == ["M1", "M3"]
    (bad,) = found.bad
    assert (bad.code, bad.place.entry, bad.payload) == ("stage.unexpected", "2", adt(2))
    assert "Doe" not in bad.message


@asynccontextmanager
async def http_door(gateway: Gateway, *, connections: int = 20, seconds: float = PATIENT) -> AsyncIterator[int]:
    app = front(HttpDoor(gateway.desk, 20_000, seconds), gateway.documents.ping)
    async with gateway.running(), public_door(app, "127.0.0.1", 0, DoorLimits(connections, seconds)) as port:
        yield port


async def exchange(port: int, raw: bytes) -> bytes:
    """Send bytes on a fresh connection; return all that comes back until the other side closes, which it has to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    found = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENT / 2):
            while part := await reader.read(65536):
                found += part
    await hang_up(writer)
    return found


def last(body: bytes) -> bytes:
    """Return a request after which its sender hangs up."""
    return HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


SMUGGLED = b"POST /hl7v2 HTTP/1.1\r\nhost: g\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 5\r\ncontent-length: 50\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"transfer-encoding : chunked\r\n",
        b"content-length: +5\r\n",
        b"content-length: 0x5\r\n",
        b" folded: x\r\ncontent-length: 5\r\n",
        b"authorization: Bearer other\r\ncontent-length: 5\r\n",
        b"content-length: 5\r\nx-nul: a\x00b\r\n",
    ],
)
async def test_a_request_that_can_be_read_in_two_ways_is_refused_and_its_connection_closed(headers: bytes) -> None:
    gateway = Gateway()
    async with http_door(gateway) as port:
        answer = await exchange(port, HEAD + headers + b"\r\n" + b"0\r\n\r\n" + SMUGGLED)
    assert not answer or answer.split(b" ", 2)[1] in (b"400", b"415", b"501")
    assert answer.count(b"HTTP/1.1 ") <= 1, "the second request was read as one of its own"
    assert not gateway.log.sent


async def test_headers_that_drip_are_given_up_and_others_are_served() -> None:
    gateway, drops = Gateway(), 0
    async with http_door(gateway, seconds=HASTY) as port:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        while not all(reader.at_eof() or writer.is_closing() for reader, writer in slow[:3]):
            for _, writer in slow[:3]:
                writer.write(b"x")
            drops += 1
            await asyncio.sleep(0.02)
        assert drops < len(HEAD), "no head was whole"
        while b"MSA|AA" not in await exchange(port, last(adt(1))):
            pass  # such a door gives up one that the machine holds up, too
        for reader, writer in slow:
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(PATIENT / 2):
                    assert await reader.read() == b""
            await hang_up(writer)


@pytest.mark.parametrize(
    "head",
    [
        b"x-long: " + b"a" * 20_000,
        b"".join(b"x-%d: a\r\n" % number for number in range(4_000)),
        b"x-" + b"a" * 200_000,
    ],
    ids=["a value", "many", "a name"],
)
async def test_a_head_that_is_too_large_is_refused(head: bytes) -> None:
    gateway = Gateway()
    async with http_door(gateway) as port:
        answer = await exchange(port, HEAD + head + b"\r\ncontent-length: 3\r\n\r\nMSH")
    assert not answer or answer.startswith(b"HTTP/1.1 400")
    assert not gateway.log.sent


async def test_a_large_body_does_not_count_as_a_head() -> None:
    gateway = Gateway()
    body = adt(1) + b"NTE|1||" + b"n" * 15_000 + b"\r"
    async with http_door(gateway) as port:
        first = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
        answer = await exchange(port, first + last(adt(2)))
    assert answer.count(b"MSA|AA") == 2


async def test_requests_that_nobody_waits_for_are_not_hoarded() -> None:
    gateway = Gateway()
    async with http_door(gateway) as port:
        answer = await exchange(port, (b"GET /livez HTTP/1.1\r\nhost: g\r\n\r\n") * 2_000)
        assert answer.count(b"HTTP/1.1 200") < 50
        assert b"MSA|AA" in await exchange(port, last(adt(1)))


async def test_a_body_that_drips_is_given_up() -> None:
    async with http_door(Gateway(), seconds=HASTY) as port:
        answer = await exchange(port, HEAD + b"content-length: 500\r\n\r\nMSH")
    assert answer.startswith(b"HTTP/1.1 408")


async def test_too_many_connections_are_turned_away_and_the_door_stays() -> None:
    gateway = Gateway()
    async with http_door(gateway, connections=5) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        assert (await exchange(port, last(b"MSH"))).startswith(b"HTTP/1.1 503")
        for _, writer in held:
            await hang_up(writer)
        while not (answer := await exchange(port, last(adt(1)))).startswith(b"HTTP/1.1 200"):
            assert answer.startswith(b"HTTP/1.1 503"), "until it has seen that they left"
        assert b"MSA|AA" in answer


def outcome(ack: bytes) -> str:
    """Return the code of an acknowledgement, nothing where there is none; the separator is the message's, and may be any character."""
    found = re.search(rb"MSA.{1,4}?(A[AER])", ack, re.DOTALL)
    return found[1].decode() if found else ""


async def posted(count: int, seed: int) -> Counter[str]:
    """Send fuzzed messages by HTTP, each on a connection of its own; return how many were answered in which way."""
    gateway, counts = Gateway(rate=1e9), Counter[str]()
    async with http_door(gateway) as port:
        for number, body in enumerate(fuzzed(count, seed)):
            answer = await exchange(port, last(body))
            code = outcome(answer)
            assert code, body
            assert answer.startswith(b"HTTP/1.1 200" if code == "AA" else b"HTTP/1.1 422"), body
            counts[code] += 1
            if number % 50 == 0:
                assert outcome(await exchange(port, last(adt(1000 + number)))) == "AA"
        codes = {letter.code for letter in await gateway.dead_letters()}
    assert "stage.unexpected" not in codes
    return counts


async def framed_ones(count: int, seed: int) -> Counter[str]:
    """Send fuzzed messages by MLLP; only one that breaks its frame may go without an answer, and no other sender feels it."""
    gateway, counts = Gateway(rate=1e9), Counter[str]()
    door = MllpDoor(gateway.desk, NORTH, 20_000, 64, PATIENT, PATIENT)
    async with gateway.running(), mllp_server(door, "127.0.0.1", 0, None) as port:
        steady = await connect(port)
        for number, body in enumerate(fuzzed(count, seed)):
            ends = await connect(port)
            code = outcome(await talk(ends, framed(body)))
            assert code or START in body or END in body, body
            counts[code] += 1
            await hang_up(ends[1])
            if number % 50 == 0:
                assert outcome(await talk(steady, framed(adt(1000 + number)))) == "AA"
        await hang_up(steady[1])
        codes = {letter.code for letter in await gateway.dead_letters()}
    assert "stage.unexpected" not in codes
    return counts


@pytest.mark.parametrize("send", [posted, framed_ones])
async def test_fuzzed_messages_are_answered_at_the_doors(send: Callable[[int, int], Awaitable[Counter[str]]]) -> None:
    counts = await send(100, 3)
    assert min(counts[code] for code in ("AA", "AE", "AR")) > 0


@pytest.mark.slow
@pytest.mark.parametrize("send", [posted, framed_ones])
async def test_a_thousand_fuzzed_messages_are_answered_at_the_doors(
    send: Callable[[int, int], Awaitable[Counter[str]]], seed: int
) -> None:
    await send(1_000, seed)


async def test_random_bytes_on_mllp_stop_nothing() -> None:
    gateway, rng = Gateway(rate=1e9), random.Random(5)
    door = MllpDoor(gateway.desk, NORTH, 5000, 64, HASTY, HASTY)
    async with gateway.running(), mllp_server(door, "127.0.0.1", 0, None) as port:
        noise = [
            START * rng.randint(0, 2) + rng.randbytes(rng.randint(0, 300)) + END * rng.randint(0, 2) for _ in range(60)
        ]
        await asyncio.gather(*(exchange(port, one) for one in noise))
        while b"MSA|AA" not in await exchange(port, START + adt(1) + END):
            pass  # as above
    assert [one.local_patient for one in await gateway.records()] == ["M1"]
