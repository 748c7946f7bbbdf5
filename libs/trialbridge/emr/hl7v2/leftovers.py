"""What no rule took: kept as it was written in an extension of the nearest resource, or dropped for a reason that is listed."""

from collections.abc import Sequence
from typing import Any, Final

from trialbridge.emr.account import Leaf, Row, drop, keep
from trialbridge.emr.hl7v2.message import Rep, Segment, path_of
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.ready import rows_of
from trialbridge.emr.hl7v2.settling import Settled
from trialbridge.emr.hl7v2.templates import remember
from trialbridge.emr.hl7v2.walk import Walk
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

KEPT: Final = "urn:trialbridge:fhir:kept"
"""An extension with ``path`` and ``value`` of a leaf that no rule takes."""
SEGMENT: Final = "urn:trialbridge:fhir:segment"
"""An extension with a whole segment that nothing reads, as it was written."""


class Owners:
    """Finds the resource that keeps what is left of a segment."""

    def __init__(self, settled: Settled, walk: Walk) -> None:
        """Begin with the message's own resource."""
        self._owners = settled.owners
        self._last: Resource | None = settled.resources[0] if settled.resources else None
        self.whole = walk.whole

    def made(self, segment: Segment) -> bool:
        """Whether a resource of the segment is in the output; the last one is this from now on."""
        found = self._owners.get(id(segment))
        if found is not None:
            self._last = found
        return found is not None

    def of(self, segment: Segment) -> Resource | None:
        """Return the resource of the segment, else of the last one before it that has one."""
        found = self._owners.get(id(segment))
        if found is not None:
            self._last = found
        return self._last


def account_for(segments: Sequence[Segment], owners: Owners, reading: Reading) -> None:
    """Give every leaf its fate, and count it."""
    account = reading.warnings.account
    rows: list[Row] = []
    for segment in segments:
        known = reading.made_after.get(id(segment))
        if known is not None and owners.made(segment):
            account.enter_often(known)
            continue
        told = _rows(segment, owners.of(segment), reading, whole=owners.whole)
        recorded = reading.recorded.get(id(segment))
        if recorded is not None and owners.made(segment):
            remember(recorded, told)
        rows += told
    account.enter_all(rows)


def _rows(segment: Segment, owner: Resource | None, reading: Reading, *, whole: bool) -> list[Row]:
    """Give every leaf of a segment its fate, and return where each went."""
    reasons = triples("v2_dropped")
    rows: list[Row] = []
    name = segment.name
    raw = False
    loose: list[tuple[int, Rep]] = []
    account = reading.warnings.account
    for field, rep in segment.populated():
        known = rows_of(name, field, rep) if rep.told is not None else None
        if known is not None:
            account.enter_often(known)
        else:
            loose.append((field, rep))
    for field, component, sub, subs, one in (leaf for at, rep in loose for leaf in rep.leaves(at)):
        if one.fate == "unaccounted":
            reason = reasons.get((name, str(field)))
            if id(segment) in reading.refused or (owner is None and reason is None):
                drop(one, "v2.set-aside")
            elif reason is not None:
                drop(one, reason)
            elif name == "PID" and not whole:
                drop(one, "v2.known-elsewhere")
            elif owner is not None and (name[0] == "Z" or name in _WHOLE):
                raw = _keep_segment(one, owner, segment, done=raw)
            elif owner is not None:
                _keep(one, owner, f"{name}[{segment.number}]-{field}.{component}.{sub}")
        rows.append((path_of(name, field, component, sub, subs), one.fate, one.where))
    return rows


_WHOLE: Final = frozenset({"DSC", "PEO", "QRD", "QRF", "UB1", "UB2", "NPU", "DRG", "RQD", "RQ1", "ABS", "DSP", "ERR"})


def _keep_segment(one: Leaf, owner: Resource, segment: Segment, *, done: bool) -> bool:
    if not done:
        owner.setdefault("extension", []).append({"url": SEGMENT, "valueString": segment.plain()})
    keep(one, f"{owner['resourceType']}.extension")
    return True


def _keep(one: Leaf, owner: Resource, path: str) -> None:
    kept: dict[str, Any] = {
        "url": KEPT,
        "extension": [{"url": "path", "valueString": path}, {"url": "value", "valueString": str(one)}],
    }
    owner.setdefault("extension", []).append(kept)
    keep(one, f"{owner['resourceType']}.extension")
