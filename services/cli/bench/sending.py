"""The senders of the bench: plain HTTP/1.1 connections that each wait for an acknowledgement before they send again."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from trialbridge.runtime.loops import new_loop
from trialbridge.testkit.adt_load import adt_message

PAUSE: Final = 0.2
OK: Final = b"HTTP/1.1 200"
AGAIN: Final = (b"HTTP/1.1 429", b"HTTP/1.1 503")
HEAD_END: Final = b"\r\n\r\n"


class RefusedError(Exception):
    """The door answered with something else than an acknowledgement."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent."""

    ports: tuple[int, ...]
    key: str
    numbers: range
    """Of the messages; each is of another patient."""
    connections: int
    seed: int
    rate: float = 0.0
    """Messages a second; 0 for as many as are acknowledged."""


@dataclass(slots=True)
class Sent:
    """When each message began to be sent (should have, at a rate) and was acknowledged, in seconds of the wall clock."""

    began: list[float]
    ended: list[float]
    retried: int = 0
    cpu: float = 0.0


def send_all(load: Load) -> Sent:
    """Send the messages; return what happened, and the processor time that sending took."""
    requests = [_request(adt_message(number, load.seed), load.key) for number in load.numbers]
    sent = Sent([0.0] * len(requests), [0.0] * len(requests))
    before = time.process_time()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_send(sent, requests, load))
    sent.cpu = round(time.process_time() - before, 1)
    return sent


async def _send(sent: Sent, requests: Sequence[bytes], load: Load) -> None:
    numbers = iter(range(len(requests)))
    pace = _Pace(time.time(), load.rate)
    async with asyncio.TaskGroup() as tasks:
        for one in range(load.connections):
            tasks.create_task(_client(load.ports[one % len(load.ports)], requests, numbers, sent, pace))


@dataclass(frozen=True, slots=True)
class _Pace:
    began: float
    rate: float

    async def begin(self, number: int) -> float:
        """Return when a message is due, once it is. A late one counts from when it was due."""
        if not self.rate:
            return time.time()
        due = self.began + number / self.rate
        await asyncio.sleep(max(0.0, due - time.time()))
        return due


def _request(body: bytes, key: str) -> bytes:
    head = (
        f"POST /hl7v2 HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/hl7-v2\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _client(port: int, requests: Sequence[bytes], numbers: Iterator[int], sent: Sent, pace: _Pace) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        sent.began[number] = await pace.begin(number)
        while True:
            writer.write(requests[number])
            head = await reader.readuntil(HEAD_END)
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
            if head.startswith(OK) and b"MSA|AA" in body:
                break
            if not head.startswith(AGAIN):
                raise RefusedError(head.split(b"\r\n", 1)[0].decode())
            sent.retried += 1
            await asyncio.sleep(PAUSE)
            if b"connection: close" in head.lower():
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent.ended[number] = time.time()
    writer.close()
    await writer.wait_closed()
