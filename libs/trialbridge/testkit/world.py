"""The seeded synthetic world: patients, who holds which of their records, and two waves of deliveries."""

from dataclasses import dataclass
from datetime import date
from random import Random

from trialbridge.contracts.ids import NetworkId
from trialbridge.testkit.histories import History, draw_history
from trialbridge.testkit.places import NETWORK, SOURCES, TENANTS, Source, Tenant
from trialbridge.testkit.placing import Delivery, Plan, plan, write
from trialbridge.testkit.updates import draw_updates, held_back

AS_OF = date(2026, 6, 1)
"""The demo's day; nothing here reads a clock."""
SEED = 7
PATIENTS = 220


@dataclass(frozen=True, slots=True)
class World:
    """Everything there is to send. The same seed, number of patients and day give the same world."""

    seed: int
    as_of: date
    network: NetworkId
    tenants: tuple[Tenant, ...]
    sources: tuple[Source, ...]
    histories: tuple[History, ...]
    deliveries: tuple[Delivery, ...]
    """Both waves, in the order of the patients; within a wave the order of arrival is free."""

    def of_patient(self, index: int) -> tuple[Delivery, ...]:
        """Return all deliveries about the patient number ``index``, the first wave's before the second's."""
        found = [each for each in self.deliveries if each.index == index]
        return tuple(sorted(found, key=lambda each: each.wave))

    def sources_of(self, index: int) -> frozenset[str]:
        """Return the ids of the sources that hold records of the patient number ``index``."""
        return frozenset(each.source.id for each in self.deliveries if each.index == index)


def make_patient(index: int, seed: int, as_of: date) -> tuple[History, Plan]:
    """Return the patient number ``index`` of the seed: the same whatever the number of patients."""
    rng = Random(f"{seed}/{index}")
    history = draw_history(index, rng, as_of)
    # Three of five are known to several sources, spread evenly so that every prefix keeps the share.
    return history, plan(history, rng, several=index % 5 < 3)  # noqa: PLR2004


def make_world(seed: int = SEED, patients: int = PATIENTS, as_of: date = AS_OF) -> World:
    """Return the world of ``seed`` with ``patients`` patients as of the day ``as_of``."""
    made = [make_patient(index, seed, as_of) for index in range(patients)]
    late = {history.person.index for history, parts in made if held_back(history, parts)}
    deliveries = [
        write(history, parts, source, "update" if history.person.index in late and source is parts.home else "initial")
        for history, parts in made
        for source in parts.sources.values()
    ]
    prompt = [each for each in made if each[0].person.index not in late]
    deliveries += draw_updates(prompt, Random(f"{seed}/updates"), as_of)
    return World(
        seed,
        as_of,
        NETWORK,
        TENANTS,
        SOURCES,
        tuple(history for history, _ in made),
        tuple(sorted(deliveries, key=lambda each: (each.wave, each.index))),
    )
