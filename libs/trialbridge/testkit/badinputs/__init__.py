"""Bad inputs by the hundred: seeded, of every class that a hostile or careless sender may think of, each with its expected end."""

from collections.abc import Iterator
from random import Random

from trialbridge.testkit.badinputs import archives, asked, bombs, changes, envelopes, fhir, tickets, trials, v2
from trialbridge.testkit.badinputs.model import BadInput

__all__ = ["bad_inputs"]


def bad_inputs(seed: int, soon: str) -> list[BadInput]:
    """Return all of them; the same seed gives the same ones.

    Args:
        seed: Of positions, lengths and noise.
        soon: When tickets for objects that never come expire, RFC 3339.
    """
    return list(_all(Random(seed), soon))


def _all(rng: Random, soon: str) -> Iterator[BadInput]:
    yield from envelopes.envelopes()
    yield from changes.changes(rng)
    yield from bombs.bombs(rng)
    yield from bombs.unusable()
    yield from bombs.oversize(rng)
    yield from archives.cut(rng)
    yield from archives.damaged(rng)
    yield from archives.spoiled_members()
    yield from archives.hostile_names()
    yield from fhir.not_fhir()
    yield from fhir.bad_dates()
    yield from fhir.broken_json()
    yield from v2.messages()
    yield from trials.bad_trials()
    yield from tickets.tickets(soon)
    yield from asked.requests()
    yield from asked.messages()
