"""The demo as it is played: trials, first deliveries, news, and what laboratories and authorities change at the end."""

from collections.abc import Sequence
from dataclasses import replace

from trialbridge.contracts.ids import TrialId
from trialbridge.criteria.compiler import compile_text
from trialbridge.testkit.feeds import PlainBundle, each_message, pack_bundles
from trialbridge.testkit.own_words import PERFORMANCE, SPEAKER, in_own_words
from trialbridge.testkit.placing import Delivery
from trialbridge.testkit.script import (
    AcceptCode,
    Action,
    Deliver,
    RegisterTrial,
    Script,
    Send,
    SetRegulatory,
    SetTrialStatus,
    Step,
)
from trialbridge.testkit.trials import CLOSING, HELD, LIFTED, STOPPED, demo_trials, statement
from trialbridge.testkit.world import World


def registered(trials: Sequence[tuple[str, str]], held: Sequence[TrialId] = ()) -> Step:
    """Return the step in which laboratories register trials and an authority approves them, some with a hold."""
    compiled = [compile_text(text, name).trial for name, text in trials]
    ids = [TrialId(trial.id) for trial in compiled if trial is not None]
    registers = [RegisterTrial(name, text) for name, text in trials]
    return Step(
        "Laboratories register trials, authorities approve",
        (*registers, *(SetRegulatory(statement(trial, 1, hold=trial in held)) for trial in ids)),
    )


def demo_script(world: World, trials: Sequence[tuple[str, str]] | None = None) -> Script:
    """Return the demo's script for a world, with its own trials or the given ones."""
    said = tuple(in_own_words(world.deliveries))
    bundles = pack_bundles(replace(world, deliveries=tuple(each for each in said if not _sent(each))))
    first = Step("Practices deliver their records", _deliver(bundles, "initial"))
    explained = Step(
        "A practice says what its own code for ECOG means",
        (AcceptCode(SPEAKER.tenant, SPEAKER.id, PERFORMANCE.local, PERFORMANCE.target),),
    )
    messages = each_message(world.as_of, filter(_sent, said))
    news: tuple[Action, ...] = (*map(Send, messages), *_deliver(bundles, "update"))
    second = Step("Corrections and news arrive, some as single messages", news)
    if trials is not None:
        return Script((registered(trials), first, explained, second))
    last = Step(
        "A trial closes, one is put on hold, a hold is lifted",
        (
            SetTrialStatus(CLOSING, "closed"),
            SetRegulatory(statement(STOPPED, 2, hold=True)),
            SetRegulatory(statement(LIFTED, 2)),
        ),
    )
    return Script((registered(demo_trials(), HELD), first, explained, second, last))


def own_script(bundles: Sequence[PlainBundle], trials: Sequence[tuple[str, str]]) -> Script:
    """Return the script for a person's own records and trials."""
    return Script((registered(trials), Step("Your records are delivered", tuple(Deliver(one) for one in bundles))))


def _sent(delivery: Delivery) -> bool:
    """Return whether the source sends this at once, message by message, and not in a bundle."""
    return delivery.source is SPEAKER and delivery.wave == "update"


def _deliver(bundles: Sequence[PlainBundle], wave: str) -> tuple[Deliver, ...]:
    return tuple(Deliver(bundle) for bundle in bundles if bundle.wave == wave)
