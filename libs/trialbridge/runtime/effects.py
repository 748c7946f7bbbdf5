"""What a handler sees of the stream: the record it was given, and the effects it may cause.

A handler is ``async def verb_noun(record, effects)``. It decides; the stream boundary carries out: table changes, outputs and
documents of one message go out together, are awaited, and only then is the message acknowledged. A handler that raises
`Poison` has its effects undone and its record set aside; any other record of the message goes on.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import Payload
from trialbridge.contracts.ids import EventId, NetworkId, TenantId, TicketId
from trialbridge.contracts.topics import Topic

P = TypeVar("P", bound=Payload)
P_co = TypeVar("P_co", bound=Payload, covariant=True)
D = TypeVar("D", bound=Document)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Received(Generic[P_co]):
    """One record out of a message."""

    id: EventId
    """A pure function of its cause: a repeat has the same id."""
    key: str
    payload: P_co
    network: NetworkId
    topic: str
    partition: int
    offset: int
    trace: str
    """W3C trace id (32 hex digits)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What brought a record into the pipeline; whatever is set aside of the record names it."""

    ticket: TicketId
    tenant: TenantId
    subject: str
    """What the record is, whichever event brings it: the same failure of the same subject is the same dead letter."""


@dataclass(frozen=True, slots=True)
class TableSpec(Generic[V]):
    """A stage's table: partitioned like the stage's inputs, backed by a changelog, sealed where ``sealed``."""

    name: str
    value: type[V]
    """A msgspec Struct, or any type msgspec can encode."""
    sealed: bool = True
    stepwise: bool = False
    """A key changes at most once in a batch. After a crash between the tables' changes and the outputs, a repeated record can say
    again what the last change said and nothing of one before: so each change is durable, with what it said, before the next.
    """
    kept: int = 0
    """About how many decoded values of a partition stay in memory, those put last; 0: all. The others are decoded when asked for."""


class Table(Protocol[V]):
    """One partition's part of a table. Values are immutable; put a new one to change it."""

    def get(self, key: str) -> V | None:
        """Return the value, decoded once."""
        ...

    def put(self, key: str, value: V, network: NetworkId = NetworkId("")) -> None:
        """Note a change; durable before the message is acknowledged. ``network`` names the sealing key (default: the record's)."""
        ...

    def delete(self, key: str) -> None:
        """Note a removal."""
        ...

    def items(self) -> Iterator[tuple[str, V]]:
        """Yield this partition's entries, in key order."""
        ...


class Effects(Protocol):
    """What a handler may cause, and the tables it may read."""

    @property
    def partition(self) -> int:
        """Return the partition at hand; handlers keep derived in-memory indexes per partition."""
        ...

    def table(self, spec: TableSpec[V]) -> Table[V]:
        """Return the part of the table that belongs to the partition at hand."""
        ...

    def emit(self, topic: Topic[P], key: str, payload: P, network: NetworkId) -> None:
        """Send a record, its id derived from the record at hand; to every partition where the topic is broadcast."""
        ...

    def save(self, collection: Collection[D], doc: D) -> None:
        """Write a document, version-guarded, in one bulk per message."""
        ...

    async def release(self) -> None:
        """Send all that was noted so far, and return when it is durable: for handlers whose effects are too many to be held.

        What was released is not undone should the handler fail later: it must be good by itself, and come again under the
        same ids in the next attempt. Raises `Unavailable` when a store or the log is away, `Refused` for what cannot be sealed.
        """
        ...

    def name_origin(self, origin: Origin) -> None:
        """Say what the record at hand came with; handlers that know it say so first."""
        ...

    def set_aside(self, error: Poison, payload: bytes, payload_type: str) -> None:
        """Put part of the record into dead_letters while the rest goes on; ``payload`` is sealed."""
        ...

    def warn(self, code: str) -> None:
        """Count a warning by stable code in the lineage of the record."""
        ...


class Emitter(Protocol):
    """How a background loop sends: outside any record, each send durable on return."""

    async def publish(
        self, topic: Topic[P], key: str, payload: P, network: NetworkId, cause: str, identity: EventId | None = None
    ) -> None:
        """Send one record (to every partition where the topic is broadcast) and wait until the log has it.

        ``cause`` makes the event's id, with topic and key: publishing the same cause again is a repeat, not a new event.
        ``identity`` is given where an event is sent again that has its id already.
        Raises `Unavailable` when the log is away; the loop tries again.
        """
        ...


Loop = Callable[[Emitter], Awaitable[None]]
"""A stage's background loop (polls commands, calls webhooks); runs until cancelled. `Unavailable` restarts it."""

Handler = Callable[[Received[P], Effects], Awaitable[None]]

HandlerTable = Mapping[Topic[Any], Handler[Any]]
"""What a stage does with each topic that it reads; a service's ``agents.handlers()`` returns one."""
