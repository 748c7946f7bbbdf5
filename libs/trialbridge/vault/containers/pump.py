"""Turns a decryption that writes to a file into one that is read from, a bounded piece at a time."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Final

from trialbridge.vault.containers.model import CHUNK

WAITING: Final = 8
"""Pieces that wait to be read; the writer waits when there are more."""
LOOK: Final = 0.5
"""Seconds after which a waiting writer looks whether anyone still reads."""


class StoppedError(Exception):
    """Nobody reads any more."""


class Sink:
    """A file that is written to in one thread and read from in another."""

    def __init__(self) -> None:
        """Begin empty."""
        self._ready: queue.Queue[bytes | BaseException | None] = queue.Queue(WAITING)
        self._piece = bytearray()
        self._stopped = threading.Event()

    def write(self, data: bytes) -> int:
        """Take bytes; raise `StoppedError` where nobody reads any more."""
        self._piece += data
        if len(self._piece) >= CHUNK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Hand over what was written so far."""
        if self._piece:
            self._put(bytes(self._piece))
            self._piece = bytearray()

    def _put(self, item: bytes | BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=LOOK)
            except queue.Full:
                continue
            return
        raise StoppedError

    def run(self, write: Callable[["Sink"], None]) -> None:
        """Have ``write`` fill the sink, and hand over its end or its error."""
        try:
            try:
                write(self)
                self.flush()
                self._put(None)
            except StoppedError:
                raise
            except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
                self._put(error)
        except StoppedError:
            return

    def read(self) -> Iterator[bytes]:
        """Yield the pieces; raise what the writer raised."""
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """Let the writer end."""
        self._stopped.set()


def pumped(write: Callable[[Sink], None]) -> Iterator[bytes]:
    """Yield what ``write`` writes to the sink that it is given; raise what it raises."""
    sink = Sink()
    thread = threading.Thread(target=sink.run, args=(write,), daemon=True)
    thread.start()
    try:
        yield from sink.read()
    finally:
        sink.stop()
        thread.join()
