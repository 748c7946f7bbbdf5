"""How a door sends: all that a delivery causes goes out together and is durable before the sender is told (group commit)."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Final, ParamSpec, TypeVar

from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import event_id
from trialbridge.contracts.topics import EMR_TICKETS
from trialbridge.runtime.effects import Effects, Origin, Received
from trialbridge.runtime.stage.lane import Lane, Links
from trialbridge.runtime.telemetry import logs, metrics, trace

LOG: Final = logs.logger("stage")
G = ParamSpec("G")
T = TypeVar("T")


@contextlib.asynccontextmanager
async def together(links: Links, ticket: TicketIssued) -> AsyncIterator[Effects]:
    """Yield the effects of a delivery that was taken without the topic of tickets; at the end all of them are durable.

    They have the ids that they would have had the ticket come by its topic, so that its replay is a repeat. Raises `Unavailable`
    when the log or a store is away (whatever went out comes again under the same ids), `Refused` for what cannot be sealed.
    """
    started = time.perf_counter()
    cause = f"{ticket.ticket}/{ticket.issue}"
    identity = event_id(EMR_TICKETS.name, cause, ticket.ticket)
    lane = Lane(links, 0)
    traced = trace.trace_of(cause)
    lane.begin(Received(identity, ticket.ticket, ticket, ticket.network, EMR_TICKETS.name, 0, 0, traced))
    lane.name_origin(Origin(ticket.ticket, ticket.tenant, ticket.ticket))
    yield lane
    emitted = lane.emitted
    await lane.release()
    metrics.BATCH_SECONDS.labels(links.stage).observe(time.perf_counter() - started)
    for topic, count in emitted.items():
        metrics.EMITTED.labels(links.stage, topic).inc(count)
    for code in lane.set_asides:
        metrics.DEAD_LETTERS.labels(links.stage, code).inc()


def guarded(call: Callable[G, T], *given: G.args, **named: G.kwargs) -> T | Poison:
    """Return what ``call`` returns, or `Poison` ``stage.unexpected`` where it has a defect: one delivery must not stop the door."""
    try:
        return call(*given, **named)
    except Poison as error:
        return error
    except Exception as error:  # the boundary of doors: what came in is set aside, and the next one goes on
        LOG.exception("a delivery met a defect", extra={"code": "stage.unexpected"})
        return Poison("stage.unexpected", f"The stage failed on this record ({type(error).__name__}).")
