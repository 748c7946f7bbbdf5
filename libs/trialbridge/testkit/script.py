"""The demo's script: steps of things that the outside world does, each step after the one before has gone all the way through."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from trialbridge.contracts.events import RegulatoryStatusSet
from trialbridge.contracts.ids import SourceId, TenantId, TrialId
from trialbridge.emr.localcodes.codes import LocalCode, Target
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


@dataclass(frozen=True, slots=True)
class Send:
    """A practice sends one HL7 v2 message as soon as it is written, through the real-time door."""

    bundle: PlainBundle
    """The message, and what it is delivered as where there is no such door."""


@dataclass(frozen=True, slots=True)
class AcceptCode:
    """A practice says what a code of one of its feeds means."""

    tenant: TenantId
    source: SourceId
    local: LocalCode
    target: Target


Action = RegisterTrial | SetTrialStatus | SetRegulatory | AcceptCode | Deliver | Send


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
        """Return the number of bundles delivered in all; a message that is sent alone is a small one."""
        return sum(isinstance(action, Deliver | Send) for step in self.steps for action in step.actions)

    @property
    def senders(self) -> tuple[tuple[TenantId, SourceId], ...]:
        """Return who sends messages through the real-time door: practices and their feeds."""
        sent = (action.bundle for step in self.steps for action in step.actions if isinstance(action, Send))
        return tuple(dict.fromkeys((bundle.tenant, bundle.source) for bundle in sent))


def shuffled(script: Script, seed: int) -> Script:
    """Return the script with the deliveries of each step in the order that ``seed`` gives: the same end is expected.

    Steps keep their order: a withdrawal of consent that comes after an approval is another history than one before it.
    """
    return Script(
        tuple(Step(step.title, _mixed(step.actions, Random(f"{seed}/{step.title}"))) for step in script.steps)
    )


def _mixed(actions: Sequence[Action], rng: Random) -> tuple[Action, ...]:
    deliveries = [action for action in actions if isinstance(action, Deliver | Send)]
    others = [action for action in actions if not isinstance(action, Deliver | Send)]
    rng.shuffle(deliveries)
    return (*others, *deliveries)
