"""The demo's script: steps of things that the outside world does, each step after the one before has gone all the way through."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from trialbridge.contracts.events import RegulatoryStatusSet
from trialbridge.contracts.ids import TrialId
from trialbridge.testkit.feeds import PlainBundle


@dataclass(frozen=True, slots=True)
class RegisterTrial:
    """A laboratory registers a trial file."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class SetTrialStatus:
    """A laboratory opens, suspends or closes its trial."""

    trial: TrialId
    status: str


@dataclass(frozen=True, slots=True)
class SetRegulatory:
    """An authority approves a trial, or puts or lifts a hold."""

    status: RegulatoryStatusSet


@dataclass(frozen=True, slots=True)
class Deliver:
    """A practice delivers a bundle."""

    bundle: PlainBundle


Action = RegisterTrial | SetTrialStatus | SetRegulatory | Deliver


@dataclass(frozen=True, slots=True)
class Step:
    """Things that happen at about the same time."""

    title: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """The whole demo."""

    steps: tuple[Step, ...]

    @property
    def bundles(self) -> int:
        """Return the number of bundles delivered in all."""
        return sum(isinstance(action, Deliver) for step in self.steps for action in step.actions)


def shuffled(script: Script, seed: int) -> Script:
    """Return the script with all deliveries in one step, in the order that ``seed`` gives: the same end is expected.

    The step takes the place of the last one that delivers, so that what closes or holds a trial still comes afterwards.
    """
    deliveries: list[Action] = [a for step in script.steps for a in step.actions if isinstance(a, Deliver)]
    Random(seed).shuffle(deliveries)
    rest = [Step(step.title, tuple(a for a in step.actions if not isinstance(a, Deliver))) for step in script.steps]
    last = max((i for i, step in enumerate(script.steps) if _delivers(step.actions)), default=0)
    mixed = Step("Practices deliver, all mixed up", (*rest[last].actions, *deliveries))
    steps = [mixed if number == last else step for number, step in enumerate(rest)]
    return Script(tuple(step for step in steps if step.actions))


def _delivers(actions: Sequence[Action]) -> bool:
    return any(isinstance(action, Deliver) for action in actions)
