"""Which document follows which: a trial's next version, a trial in another status, an authority's next statement. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from trialbridge.contracts.documents import RegulatoryDoc, TrialDoc
from trialbridge.contracts.errors import Place, Refused
from trialbridge.criteria.compiler import Compiled


def next_trial(known: TrialDoc | None, compiled: Compiled, lab: str, effective: str) -> TrialDoc:
    """Return the document of a compiled trial, or ``known`` itself where its definition is the same.

    A status that the laboratory set stays, unless the definition's own status changes with this version.
    """
    trial = compiled.trial
    if trial is None:
        raise ValueError("a refused trial has no document")
    if known is not None and known.digest == compiled.digest:
        return known
    status: str = trial.status
    if known is not None and _own_status(known) == trial.status:
        status = known.status
    return TrialDoc(
        id=trial.id,
        version=known.version + 1 if known else 1,
        lab=known.lab if known else lab,
        title=trial.title,
        status=status,
        digest=compiled.digest,
        definition=msgspec.Raw(compiled.definition),
        phase=trial.phase,
        drugs=trial.drugs,
        sites=msgspec.Raw(msgspec.json.encode(trial.sites)),
        review=trial.review,
        effective=effective,
        diagnostics=msgspec.Raw(msgspec.json.encode(compiled.diagnostics)),
    )


class _Defined(msgspec.Struct, frozen=True):
    status: str = "open"


def _own_status(doc: TrialDoc) -> str:
    return msgspec.json.decode(doc.definition, type=_Defined).status


def with_status(known: TrialDoc, status: str, effective: str) -> TrialDoc:
    """Return the trial's next version in another status, or ``known`` itself where it is in it already."""
    if known.status == status:
        return known
    return msgspec.structs.replace(known, version=known.version + 1, status=status, effective=effective)


def next_statement(known: RegulatoryDoc | None, said: Mapping[str, Any]) -> RegulatoryDoc:
    """Return the document of a statement, or ``known`` itself where that says the same or is newer.

    Args:
        known: The statement in force.
        said: The fields of `contracts.events.RegulatoryStatusSet`; a ``seq`` of 0 means the next one.

    Raises:
        Refused: ``regulatory.seq-used`` where the number is taken by another statement.
    """
    fields = {name: value for name, value in said.items() if name not in {"trial", "seq"}}
    current = {name: getattr(known, name) for name in fields} if known else None
    seq = int(said["seq"])
    if known is not None:
        if seq in {0, known.version} and current == fields:
            return known
        if 0 < seq < known.version:
            return known
        if seq == known.version:
            raise Refused(
                "regulatory.seq-used", "A statement with this number says something else.", Place(field="seq")
            )
    return RegulatoryDoc(id=str(said["trial"]), version=seq or (known.version + 1 if known else 1), **fields)
