"""Registration is a compiler: parse, resolve, check, normalise, plan. A bad trial gets diagnostics, never an exception."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import Digest, digest
from trialbridge.criteria import ctml
from trialbridge.criteria import language as q
from trialbridge.criteria.checks import resolve
from trialbridge.criteria.diagnostics import Diagnostic, Problems
from trialbridge.criteria.documents import line_of, read_text
from trialbridge.criteria.leaves import READS
from trialbridge.criteria.surface import tagged_trial

_DECODER = msgspec.json.Decoder(q.Trial)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The outcome of a registration."""

    trial: q.Trial | None
    """None where it was refused."""
    definition: bytes
    """Canonical JSON, what `load` takes; empty where it was refused."""
    digest: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def ok(self) -> bool:
        """Return whether the trial was accepted."""
        return self.trial is not None


@dataclass(frozen=True, slots=True)
class Branch:
    """One arm at one dose level: the criteria that all must be met, with their paths."""

    arm: str | None
    dose: str | None
    criteria: tuple[tuple[str, Any], ...]
    closed: str = ""
    """Why the branch takes nobody, in words; empty where it does."""


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """A trial ready for evaluation."""

    trial: q.Trial
    digest: Digest
    branches: tuple[Branch, ...]
    kinds: frozenset[str]
    """Kinds of facts that any criterion reads; a patient in whom none of them changed keeps the verdicts."""
    leaves: frozenset[Any]


def compile_text(text: str | bytes, name: str = "") -> Compiled:
    """Return the trial in a file's text, native or CTML (told apart by its keys), with all that is to be said about it."""
    del name
    problems = Problems()
    document, lines = read_text(text, problems)
    trial: q.Trial | None = None
    if not problems.refused:
        trial = _compile(document, problems)
    found = tuple(
        msgspec.structs.replace(one, line=one.line or line_of("" if one.path == "trial" else one.path, lines))
        for one in problems.found
    )
    if trial is None or problems.refused:
        return Compiled(None, b"", "", found)
    definition = canonical(trial)
    return Compiled(trial, definition, digest(definition), found)


def _compile(document: Any, problems: Problems) -> q.Trial | None:
    surface = ctml.to_native(document, problems) if ctml.is_ctml(document) else document
    if problems.refused:
        return None
    tagged = tagged_trial(surface, problems)
    if tagged is None or problems.refused:
        return None
    try:
        trial = msgspec.convert(tagged, q.Trial, strict=False)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        problems.error("wrong-type", _surface_path(place.strip("`.")), f"{reason}.")
        return None
    resolved = _resolve(trial, problems)
    _check_codes(resolved, problems)
    return resolved


def _surface_path(path: str) -> str:
    """Return msgspec's path without the tagged form's own steps."""
    return re.sub(r"\[\.\.\.\]", "[]", path)


def _resolve(trial: q.Trial, problems: Problems) -> q.Trial:
    arms = []
    for number, arm in enumerate(trial.arms):
        place = f"arms[{number}]"
        levels = tuple(
            msgspec.structs.replace(level, criteria=_criteria(level.criteria, f"{place}.dose_levels[{n}].", problems))
            for n, level in enumerate(arm.dose_levels)
        )
        arms.append(
            msgspec.structs.replace(arm, criteria=_criteria(arm.criteria, f"{place}.", problems), dose_levels=levels)
        )
    return msgspec.structs.replace(trial, criteria=_criteria(trial.criteria, "", problems), arms=tuple(arms))


def _criteria(node: Any, prefix: str, problems: Problems) -> Any:
    return None if node is None else resolve(node, f"{prefix}criteria", problems)


def _check_codes(trial: q.Trial, problems: Problems) -> None:
    for number, arm in enumerate(trial.arms):
        if arm.code in {other.code for other in trial.arms[:number]}:
            problems.error("duplicate-code", f"arms[{number}].code", "Another arm has this code.")
        codes = [level.code for level in arm.dose_levels]
        if len(set(codes)) < len(codes):
            problems.error("duplicate-code", f"arms[{number}].dose_levels", "Two dose levels have the same code.")
    for branch in branches_of(trial):
        if not branch.criteria:
            where = f" in arm {branch.arm}" if branch.arm else ""
            problems.error("no-criteria", "criteria", f"Nothing is asked for{where}: everybody would match.")
            return


def canonical(trial: q.Trial) -> bytes:
    """Return the canonical bytes of a definition."""
    return msgspec.json.encode(trial, order="deterministic")


def load(definition: bytes | msgspec.Raw) -> TrialPlan:
    """Return the plan of a published definition; raise `Undecodable` ``trial.invalid`` where it is not one."""
    raw = bytes(definition)
    try:
        trial = _DECODER.decode(raw)
    except msgspec.DecodeError:
        raise Undecodable("trial.invalid", "The published definition is not one of this language version.") from None
    branches = branches_of(trial)
    leaves = frozenset(leaf for branch in branches for _, node in branch.criteria for leaf in leaves_of(node))
    kinds = frozenset(kind for leaf in leaves for kind in READS[type(leaf)])
    return TrialPlan(trial, digest(raw), branches, kinds, leaves)


def branches_of(trial: q.Trial) -> tuple[Branch, ...]:
    """Return every arm at every dose level, in the trial's order; a trial without arms is one branch."""
    own = (("criteria", trial.criteria),) if trial.criteria is not None else ()
    if not trial.arms:
        return (Branch(None, None, own),)
    found = []
    for arm in trial.arms:
        place = f"arms[{arm.code}]"
        here = (*own, *(((f"{place}.criteria", arm.criteria),) if arm.criteria is not None else ()))
        shut = f"The arm is {arm.status}." if arm.status != "open" else ""
        if not arm.dose_levels:
            found.append(Branch(arm.code, None, here, shut))
        for level in arm.dose_levels:
            below = (
                ((f"{place}.dose_levels[{level.code}].criteria", level.criteria),) if level.criteria is not None else ()
            )
            closed = shut or (f"The dose level is {level.status}." if level.status != "open" else "")
            found.append(Branch(arm.code, level.code, (*here, *below), closed))
    return tuple(found)


def leaves_of(node: Any) -> Iterator[Any]:
    """Yield the leaves of a criterion."""
    if isinstance(node, q.Not):
        yield from leaves_of(node.of)
    elif isinstance(node, (q.All, q.Any, q.AtLeast)):
        for one in node.of:
            yield from leaves_of(one)
    else:
        yield node
