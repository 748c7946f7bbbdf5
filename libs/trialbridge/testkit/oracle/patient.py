"""A patient for the oracle: the facts in effect at a day, looked through from the first to the last at every question."""

from collections.abc import Iterable
from datetime import date
from typing import TypeVar

from trialbridge.contracts.events import Site
from trialbridge.criteria.facts import AnyFact, Fact
from trialbridge.testkit.oracle.days import in_effect

F = TypeVar("F", bound=Fact)


class Patient:
    """What is recorded of a patient at the end of a day."""

    def __init__(
        self, facts: Iterable[AnyFact], as_of: date, *, closed_world: bool = False, sites: Iterable[Site] = ()
    ) -> None:
        """Leave out what has not come into effect; in a closed world, what is not known is not so, for good.

        ``sites`` are those of the trial, to which distances are asked for.
        """
        self.sites = tuple(sites)
        self.as_of = as_of
        self.closed_world = closed_world
        self.facts = in_effect(facts, as_of)

    def all(self, kind: type[F]) -> list[F]:
        """Return the facts of one type."""
        return [fact for fact in self.facts if isinstance(fact, kind)]
