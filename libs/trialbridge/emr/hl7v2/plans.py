"""Messages of one kind are planned once: all that one becomes is a function of the texts and times of its patient.

`meeting.py` tells what the kind of a message is, `planning.py` makes the function (``README.md`` has an example); results (OBX) come
in any number and are made after earlier ones (`templates.py`). A plan is trusted once it foretold some messages that were read in full.
What is not planned is read in full as ever, with the same outcome. Clinical trials have nothing to do with the trials of a plan.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.account import Row
from trialbridge.emr.bounded import Bounded
from trialbridge.emr.fhir.checks import passes
from trialbridge.emr.hl7v2 import templates
from trialbridge.emr.hl7v2.meeting import Met
from trialbridge.emr.hl7v2.message import NULL
from trialbridge.emr.hl7v2.state import NOWHERE
from trialbridge.emr.hl7v2.times import timestamp
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Found, Piece, Resource, Shared, Warnings

OFTEN: Final = 3
"""How often a kind of message must have come before it is planned."""
AGAIN: Final = 100
"""Messages after which a kind is planned that could not be before."""
MOST: Final = 1_000
"""Plans that are kept; each takes some 50 kB."""
BETWEEN: Final = 50
"""Messages for which one may be planned on the average: it takes as long as reading some."""
AT_FIRST: Final = 40
"""Plans that may be made before that counts."""
PATIENCE: Final = 1_000
"""Messages that may be taken apart in vain; then one in `SELDOM` is, until some are planned again."""
SELDOM: Final = 32
WORTH: Final = 10
"""For how many messages taken apart in vain one with a plan makes up."""
TRIALS: Final = 2
"""How many messages a plan must foretell before it is trusted."""
Results = Callable[..., tuple[list[Resource], list[dict[str, str]]]]
Make = Callable[
    [Sequence[str], Sequence[str], Sequence[str], str, Results],
    tuple[str, tuple[Identifier, ...], list[Resource], list[Resource]],
]
"""Makes local patient id, identifiers, resources and shared ones out of texts, times, times as written, when it came, and results."""


class UnplannedError(Exception):
    """A message is not as its kind is."""


class Plan:
    """What messages of one kind become."""

    __slots__ = ("_sound", "counts", "make", "not_read", "rows", "source", "translated", "trials")

    def __init__(
        self,
        make: Make,
        rows: tuple[Row, ...],
        counts: Mapping[str, int],
        not_read: Mapping[str, int],
        source: str,
        translated: Sequence[int] = (),
    ) -> None:
        """Keep the function, what is counted with each message, and which texts are codes that tables translate."""
        self.translated = translated
        self._sound: set[tuple[int, str]] = set()
        """Codes that came before: what they become passed its checks."""
        self.make = make
        self.rows = rows
        self.counts = counts
        self.not_read = not_read
        self.source = source
        self.trials = TRIALS
        """How many messages it still has to foretell."""

    def run(self, met: Met, warnings: Warnings) -> list[Found] | None:
        """Return what a message becomes, and count it; None where it must be read in full."""
        results = _Results(met, self.source)
        try:
            times = results.times()
            local, identifiers, resources, shared = self.make(met.texts, times, met.times, met.received, results)
        except (UnplannedError, Poison):
            return None
        codes = {(at, met.texts[at]) for at in self.translated}
        if not codes <= self._sound:
            if not all(passes(one) for one in (*resources, *shared)):
                return None
            self._sound |= codes
        account = warnings.account
        account.enter_often(self.rows)
        for run in met.runs:
            for _, known in run:
                account.enter_often(known.rows)
        if self.counts:
            warnings.counts.update(self.counts)
        if self.not_read:
            warnings.not_read.update(self.not_read)
        return [Piece(LocalPatientId(local), tuple(resources), identifiers), *map(Shared, shared)]


class _Results:
    """Makes the results of a message."""

    __slots__ = ("_met", "_seen", "_source", "_times")

    def __init__(self, met: Met, source: str) -> None:
        self._met = met
        self._source = source
        self._seen: dict[str, int] = {}
        self._times: dict[str, str] = {}

    def times(self) -> list[str]:
        """Return the times of the message as FHIR writes them; raise where some that are written otherwise are the same."""
        found = [self.time(one) for one in self._met.times]
        if len(set(self._times.values())) < len(self._times):
            raise UnplannedError
        return found

    def time(self, written: str) -> str:
        """Return a time as FHIR writes it."""
        found = self._times.get(written)
        if found is None:
            found = self._times[written] = timestamp(written, NOWHERE, zone=self._met.zone) if written else ""
        return found

    def __call__(
        self, run: int, local: str, number: str, meta: str, on: str | None, references: Mapping[str, Any], subject: str
    ) -> tuple[list[Resource], list[dict[str, str]]]:
        """Return the results that stand together, and references to them; ``on`` is the time of those that have none."""
        made: list[Resource] = []
        told: list[dict[str, str]] = []
        for fields, known in self._met.runs[run]:
            written = templates.time_of(fields)
            when = self.time(written) if written else on
            if known.is_timed is (when is None):
                raise UnplannedError
            # As `Segment.field` has it: one that is deleted is none.
            sub = "" if fields[4] == NULL else fields[4]
            identity = self._own(local, number, known.code, sub, when or "")
            found = {
                "resourceType": "Observation",
                "id": identity,
                "meta": {"lastUpdated": meta},
                "subject": {"reference": subject},
            }
            templates.fill(found, known, fields, when)
            for name, value in references.items():
                found[name] = value.copy()
            made.append(found)
            told.append({"reference": f"Observation/{identity}"})
        return made, told

    def _own(self, *parts: str) -> str:
        found = resource_id(self._source, "Observation", *parts)  # type: ignore[arg-type]
        seen = self._seen[found] = self._seen.get(found, 0) + 1
        return found if seen == 1 else resource_id(self._source, "Observation", *parts, f"#{seen}")  # type: ignore[arg-type]


class Plans:
    """The plans of the process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: Bounded[tuple[Any, ...], Plan] = Bounded(MOST)
        self._seen: Bounded[int, int] = Bounded(5 * MOST)
        """How often a kind came that is not planned, by its hash: kinds are large; below zero after it could not be."""
        self._planned = 0
        self._read = 0
        self._patience = PATIENCE
        self._turn = 0

    def is_worthwhile(self) -> bool:
        """Return whether the next message is to be taken apart: where hardly two are of a kind that would take time for nothing."""
        self._turn += 1
        return self._patience > 0 or self._turn % SELDOM == 0

    def of(self, met: Met | None) -> Plan | None:
        """Return the plan of a message's kind, None where there is none (yet)."""
        found = self._known.get(met.key) if met is not None else None
        if found is not None:
            self._patience = min(PATIENCE, self._patience + WORTH)
            return found
        self._patience = max(0, self._patience - 1)
        return None

    def is_due(self, met: Met) -> bool:
        """Take note of a message that was read in full; return whether its kind is to be planned now."""
        self._read += 1
        kind = hash(met.key)
        seen = self._seen.keep(kind, self._seen.get(kind, 0) + 1)
        if seen < OFTEN or self._planned >= AT_FIRST + self._read // BETWEEN:
            return False
        self._planned += 1
        return True

    def keep(self, met: Met, plan: Plan | None) -> None:
        """Keep a plan, or that none could be made, which is tried again with a later message of the kind."""
        if plan is not None:
            self._known.keep(met.key, plan)
        else:
            self._known.pop(met.key, None)
            self._seen.keep(hash(met.key), -AGAIN)

    def forget(self) -> None:
        """Begin anew, as a new process does."""
        self.__init__()  # type: ignore[misc]


PLANS: Final = Plans()


def is_wrong(plan: Plan, met: Met, told: Sequence[Found], warnings: Warnings) -> bool:
    """Return whether a plan comes to anything else than reading a message in full did; one it can say nothing of counts for nothing."""
    mine = Warnings()
    found = plan.run(met, mine)
    if found is None:
        return False
    plan.trials -= 1
    return (
        list(_shown(found)) != list(_shown(told))
        or mine.account.rows != warnings.account.rows
        or (mine.counts, mine.not_read) != (warnings.counts, warnings.not_read)
    )


def _shown(found: Sequence[Found]) -> Iterator[str]:
    """Yield what was found with the order of all elements and the kinds of all values."""
    return map(repr, found)
