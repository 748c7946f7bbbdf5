"""The life of one match as the engine sees it: proposed, changed, withdrawn. Pure.

A match says something new when its outcome or explanation is another (the explanation names the trial's digest), when other practices
hold the patient, or when the patient's consent is another. A view that changed in nothing that the explanation cites is no news.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from services.matcher.consent import Decision
from services.matcher.tables import Life
from trialbridge.contracts.events import Change, MatchChanged, PatientViewChanged, TrialPublished
from trialbridge.contracts.ids import ArmCode, Digest, DoseCode, EventId, MatchId, match_id
from trialbridge.criteria.plan import Branch
from trialbridge.criteria.telling import Told
from trialbridge.criteria.verdicts import Explanation, Outcome
from trialbridge.criteria.why_now import why_now, why_now_told

CauseWord = Literal["patient", "trial", "time", "identity"]
Past = Callable[[], Explanation | None]
"""The explanation that the same arm would have had before, where the match was never proposed."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one patient: what all evaluations of it share."""

    view: PatientViewChanged
    as_of: str
    consent: Decision
    cause: CauseWord
    by: EventId


def match_of(view: PatientViewChanged, trial: TrialPublished, where: Branch) -> MatchId:
    """Return the id of the match of a patient with the arm and dose level of a branch."""
    return match_id(view.network, view.patient, trial.trial, _arm(where), _dose(where))


def _arm(where: Branch) -> ArmCode | None:
    return None if where.arm is None else ArmCode(where.arm)


def _dose(where: Branch) -> DoseCode | None:
    return None if where.dose is None else DoseCode(where.dose)


def judged(life: Life | None, look: Look, trial: TrialPublished, told: Told, past: Past) -> Life | None:
    """Return the life after an evaluation: ``life`` itself where there is no news, None where it was never proposed."""
    if told.outcome is Outcome.NOT_ELIGIBLE:
        return _withdrawn(life, look, trial, told)
    digest = told.digest()
    if life is not None and _news(life.said) == (False, digest, look.view.tenants, look.consent):
        return life
    said = _proposal(life, look, trial, told, digest)
    now = why_now(past(), told.explanation()) if life is None else why_now_told(life.said.explanation, told)
    return Life(msgspec.structs.replace(said, why_now=(*now, *_consent(life, look))), look.by)


def refreshed(life: Life, look: Look) -> Life:
    """Return the life of a match whose trial needed no evaluation: practices and consent may be others."""
    if life.said.event == "withdrawn" or _news(life.said) == (*_news(life.said)[:2], look.view.tenants, look.consent):
        return life
    said = msgspec.structs.replace(
        life.said,
        event="changed",
        seq=life.said.seq + 1,
        tenants=look.view.tenants,
        consent=look.consent,
        view_version=look.view.version,
        view_digest=look.view.digest,
        why_now=_consent(life, look),
        cause=look.cause,
    )
    return Life(said, look.by)


def ended(life: Life, look: Look, why: Change) -> Life:
    """Return the life of a match that nothing can propose any more: the person or the arm is gone."""
    if life.said.event == "withdrawn":
        return life
    said = msgspec.structs.replace(
        life.said,
        event="withdrawn",
        outcome="not_eligible",
        seq=life.said.seq + 1,
        view_version=look.view.version,
        view_digest=look.view.digest,
        why_now=(why,),
        cause=look.cause,
    )
    return Life(said, look.by)


def _withdrawn(life: Life | None, look: Look, trial: TrialPublished, told: Told) -> Life | None:
    if life is None or life.said.event == "withdrawn":
        return life
    said = msgspec.structs.replace(_proposal(life, look, trial, told, told.digest()), event="withdrawn")
    return Life(msgspec.structs.replace(said, why_now=why_now_told(life.said.explanation, told)), look.by)


def _proposal(life: Life | None, look: Look, trial: TrialPublished, told: Told, digest: Digest) -> MatchChanged:
    view = look.view
    return MatchChanged(
        match=match_of(view, trial, told.branch),
        network=view.network,
        patient=view.patient,
        tenants=view.tenants,
        trial=trial.trial,
        arm=_arm(told.branch),
        dose=_dose(told.branch),
        seq=life.said.seq + 1 if life else 1,
        event="proposed" if life is None or life.said.event == "withdrawn" else "changed",
        outcome=told.outcome.value,
        explanation=msgspec.Raw(told.raw()),
        explanation_digest=digest,
        trial_version=trial.version,
        trial_digest=trial.digest,
        view_version=view.version,
        view_digest=view.digest,
        as_of=look.as_of,
        cause=look.cause,
        consent=look.consent,
        records=told.records(),
    )


def _news(said: MatchChanged) -> tuple[object, ...]:
    """Return what makes a match say something new."""
    return (said.event == "withdrawn", said.explanation_digest, said.tenants, said.consent)


def _consent(life: Life | None, look: Look) -> tuple[Change, ...]:
    if life is None or life.said.consent == look.consent:
        return ()
    return (Change("consent", life.said.consent, look.consent, "The patient's consent to research changed."),)
