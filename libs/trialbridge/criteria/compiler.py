"""Registration is a compiler: parse, resolve, check, normalise, plan. A bad trial gets diagnostics, never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import digest
from trialbridge.criteria import ctml
from trialbridge.criteria.ctml_reading import Reading
from trialbridge.criteria.diagnostics import Diagnostic, Problems
from trialbridge.criteria.documents import Spot, Spots, read_text, spot_of
from trialbridge.criteria.plan import TrialPlan, plan_of
from trialbridge.criteria.surface import tagged_trial
from trialbridge.criteria.trial import Trial
from trialbridge.criteria.trial_checks import resolved

__all__ = ["Compiled", "TrialPlan", "canonical", "compile_text", "load"]

_DECODER = msgspec.json.Decoder(Trial)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The outcome of a registration."""

    trial: Trial | None
    """None where it was refused."""
    definition: bytes
    """Canonical JSON, what `load` takes; empty where it was refused."""
    digest: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Return whether the trial was accepted."""
        return self.trial is not None


def compile_text(text: str | bytes, name: str = "") -> Compiled:
    """Return the trial in a file's text, native or CTML (told apart by its keys), with all that is to be said about it."""
    del name
    problems = Problems()
    document, spots = read_text(text, problems)
    trial: Trial | None = None
    if not problems.refused:
        try:
            trial = _compile(document, problems)
        except RecursionError:
            problems.error("too-large", "", "It is nested too deeply.")
    found = tuple(_placed(one, spots) for one in problems.found)
    if trial is None or problems.refused:
        return Compiled(None, b"", "", found)
    definition = canonical(trial)
    return Compiled(trial, definition, digest(definition), found)


def _placed(one: Diagnostic, spots: Spots) -> Diagnostic:
    own = Spot(one.line, one.column)
    spot = own if one.line else spot_of("" if one.path == "trial" else one.path, spots)
    return msgspec.structs.replace(one, line=spot.line, column=spot.column)


def _compile(document: Any, problems: Problems) -> Trial | None:
    if not ctml.is_ctml(document):
        return _native(document, problems)
    reading = Reading(problems)
    surface = ctml.to_native(document, reading)
    read = len(problems.found)
    trial = _native(surface, problems)
    places = reading.places(surface)
    for number, one in enumerate(problems.found[read:], read):
        problems.found[number] = msgspec.structs.replace(one, path=_origin(one.path, places))
    return trial


def _origin(path: str, places: Mapping[str, str]) -> str:
    """Return the place in the document that a native path, or the nearest part above it, was read from."""
    part = path
    while part and part not in places:
        part = part[: max(part.rfind("."), part.rfind("["), 0)]
    return places.get(part, path)


def _native(document: Any, problems: Problems) -> Trial | None:
    tagged = tagged_trial(document, problems)
    if tagged is None:
        return None
    try:
        trial = msgspec.convert(tagged, Trial, strict=False)
    except msgspec.ValidationError:
        if not problems.refused:
            # Every field was checked by itself; this is the net under it.
            problems.error("wrong-type", "", "It does not have the shape of a trial.")
        return None
    return resolved(trial, problems)


def canonical(trial: Trial) -> bytes:
    """Return the canonical bytes of a definition."""
    return msgspec.json.encode(trial, order="deterministic")


def load(definition: bytes | msgspec.Raw) -> TrialPlan:
    """Return the plan of a published definition; raise `Undecodable` ``trial.invalid`` where it is not one."""
    raw = bytes(definition)
    try:
        return plan_of(_DECODER.decode(raw), digest(raw))
    except (msgspec.DecodeError, RecursionError):
        raise Undecodable("trial.invalid", "The published definition is not one of this language version.") from None
