"""The senders of the bench: plain HTTP/1.1 connections that each wait for an acknowledgement before they send again."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from trialbridge.testkit.adt_load import adt_message

PAUSE: Final = 0.2
OK: Final = b"HTTP/1.1 200"
AGAIN: Final = (b"HTTP/1.1 429", b"HTTP/1.1 503")


class RefusedError(Exception):
    """The door answered with something else than an acknowledgement."""


@dataclass(slots=True)
class Sent:
    """When each message began to be sent and was acknowledged, in seconds of the wall clock."""

    began: list[float]
    ended: list[float]
    retried: int = 0
    cpu: float = 0.0


def send_all(ports: Sequence[int], key: str, messages: int, clients: int, outstanding: int, seed: int) -> Sent:
    """Send messages 0 to ``messages`` from so many clients, each with ``outstanding`` connections; return when what happened."""
    sent = Sent([0.0] * messages, [0.0] * messages)
    asyncio.run(_send(sent, list(ports), key, clients * outstanding, seed))
    sent.cpu = round(time.process_time(), 1)
    return sent


async def _send(sent: Sent, ports: Sequence[int], key: str, connections: int, seed: int) -> None:
    requests = [_request(adt_message(number, seed), key) for number in range(len(sent.began))]
    numbers = iter(range(len(requests)))
    async with asyncio.TaskGroup() as tasks:
        for one in range(connections):
            tasks.create_task(_client(ports[one % len(ports)], requests, numbers, sent))


def _request(body: bytes, key: str) -> bytes:
    head = (
        f"POST /hl7v2 HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/hl7-v2\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _client(port: int, requests: Sequence[bytes], numbers: Iterator[int], sent: Sent) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        sent.began[number] = time.time()
        while True:
            writer.write(requests[number])
            head = await reader.readuntil(b"\r\n\r\n")
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
