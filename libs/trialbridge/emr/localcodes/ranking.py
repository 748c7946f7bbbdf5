"""The review queue: local codes that nobody has decided, by how many patients they block."""

from collections.abc import Iterable
from dataclasses import dataclass

from trialbridge.emr.localcodes.codes import Kind, serves


@dataclass(frozen=True, slots=True)
class Counted:
    """A local code of one feed with how often it is there."""

    identity: str
    kind: Kind
    patients: int
    count: int


@dataclass(frozen=True, slots=True)
class Queued:
    """A place in the queue."""

    code: Counted
    blocked: int
    """Patients whose records hold it and whom an open trial could use it for; 0 where no open trial reads its kind."""


def rank(codes: Iterable[Counted], used: Iterable[str]) -> list[Queued]:
    """Return codes by patients blocked, then by how often they are there, then by id; those that nobody holds any more are left out.

    Args:
        codes: Local codes that nobody has decided.
        used: Kinds of facts that any open trial's criteria read.
    """
    kinds = frozenset(used)
    queue = [Queued(one, one.patients if serves(one.kind, kinds) else 0) for one in codes if one.patients > 0]
    return sorted(queue, key=lambda one: (-one.blocked, -one.code.count, one.code.identity))
