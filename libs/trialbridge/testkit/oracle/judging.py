"""The oracle on a whole criterion and a whole trial: plain recursion, nothing shared, nothing kept."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from trialbridge.criteria import language as q
from trialbridge.criteria.facts import AnyFact
from trialbridge.criteria.trial import Arm, Trial
from trialbridge.criteria.verdicts import Outcome, Verdict
from trialbridge.testkit.oracle import coded, extent, genome, measures, person, therapy, tumour
from trialbridge.testkit.oracle.answers import NO, OPEN, YES, Answer, swapped
from trialbridge.testkit.oracle.patient import Patient

LEAVES: Final[Mapping[type[Any], Callable[[Any, Patient], Answer]]] = {
    q.Age: person.age,
    q.Sex: person.sex,
    q.VitalStatus: person.vital_status,
    q.Location: person.location,
    q.Consent: person.consent,
    q.Pregnancy: person.pregnancy,
    q.Diagnosis: tumour.diagnosis,
    q.Histology: tumour.histology,
    q.Stage: extent.stage,
    q.DiseaseStatus: extent.disease_status,
    q.Performance: measures.performance,
    q.Variant: genome.variant,
    q.CopyNumber: genome.copy_number,
    q.Fusion: genome.fusion,
    q.WildType: genome.wild_type,
    q.Tested: genome.tested,
    q.Signature: measures.signature,
    q.Expression: measures.expression,
    q.PriorTherapy: therapy.prior_therapy,
    q.Condition: coded.condition,
    q.Medication: coded.medication,
    q.Procedure: coded.procedure,
    q.Allergy: coded.allergy,
    q.Lab: measures.lab,
    q.Vital: measures.vital,
}
"""The oracle's own answer to each leaf kind."""


class Judged(NamedTuple):
    """One arm at one dose level."""

    arm: str | None
    dose: str | None
    outcome: Outcome
    criteria: tuple[Answer, ...]
    """The answers of the criteria of trial, arm and dose level: each, and all that is in it, in the trial's order."""


def judge(node: q.Criterion, patient: Patient) -> Answer:
    """Return the answer of a criterion of any kind."""
    return answers(node, patient)[0]


def answers(node: q.Criterion, patient: Patient) -> list[Answer]:
    """Return the answer of a criterion, then those of all that is in it, in the trial's order."""
    leaf = LEAVES.get(type(node))
    if leaf is not None:
        answer = leaf(node, patient)
        closed = Answer(YES if answer.verdict is YES else NO, recoverable=False)
        return [closed if patient.closed_world else answer]
    inside = [answers(one, patient) for one in _members(node)]
    return [_group(node, [own for own, *_ in inside]), *(answer for one in inside for answer in one)]


def _group(node: q.Criterion, members: list[Answer]) -> Answer:
    if isinstance(node, q.Not):
        return Answer(swapped(members[0].verdict), members[0].recoverable)
    verdict = _counted(node, [one.verdict for one in members])
    # It may still turn if it is another one once everything that may turn has turned against it.
    against = NO if verdict is YES else YES
    turned = _counted(node, [against if one.recoverable else one.verdict for one in members])
    return Answer(verdict, verdict is OPEN or turned is not verdict)


def _members(node: q.Criterion) -> tuple[q.Criterion, ...]:
    if isinstance(node, q.Not):
        return (node.of,)
    return node.of if isinstance(node, (q.All, q.Any, q.AtLeast)) else ()


def _counted(node: q.Criterion, verdicts: list[Verdict]) -> Verdict:
    """Return whether enough of a group's members are met: all of them, one of them, or a number."""
    needed = len(verdicts) if isinstance(node, q.All) else node.count if isinstance(node, q.AtLeast) else 1
    met, failed = verdicts.count(YES), verdicts.count(NO)
    return YES if met >= needed else NO if len(verdicts) - failed < needed else OPEN


def judge_trial(trial: Trial, facts: Iterable[AnyFact], as_of: date, *, closed_world: bool = False) -> list[Judged]:
    """Return the answers of every arm at every dose level, in the trial's order; a trial without arms is one."""
    patient = Patient(facts, as_of, closed_world=closed_world, sites=trial.sites)
    if not trial.arms:
        return [_branch(None, None, [trial.criteria], patient, open_=True)]
    return [judged for arm in trial.arms for judged in _arm(trial, arm, patient)]


def _arm(trial: Trial, arm: Arm, patient: Patient) -> list[Judged]:
    rows = [trial.criteria, arm.criteria]
    takes = arm.status == "open"
    if not arm.dose_levels:
        return [_branch(arm.code, None, rows, patient, open_=takes)]
    return [
        _branch(arm.code, level.code, [*rows, level.criteria], patient, open_=takes and level.status == "open")
        for level in arm.dose_levels
    ]


def _branch(
    arm: str | None, dose: str | None, rows: list[q.Criterion | None], patient: Patient, *, open_: bool
) -> Judged:
    lines = [answers(row, patient) for row in rows if row is not None]
    if all(own.verdict is YES for own, *_ in lines):
        outcome = Outcome.ELIGIBLE
    elif any(own.verdict is NO and not own.recoverable for own, *_ in lines):
        outcome = Outcome.NOT_ELIGIBLE
    else:
        outcome = Outcome.POTENTIALLY
    every = tuple(answer for one in lines for answer in one)
    return Judged(arm, dose, outcome if open_ else Outcome.NOT_ELIGIBLE, every)
