"""The compiler's checks of a trial as a whole: names, codes, arms that nobody can reach."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from trialbridge.contracts.events import Site
from trialbridge.criteria.checks import resolve
from trialbridge.criteria.contradictions import contradictions, joined
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.site_distances import with_points
from trialbridge.criteria.terminology import places
from trialbridge.criteria.trial import LANGUAGE_VERSION, Arm, Trial

_NCT: Final = re.compile(r"NCT\d{8}")
_PHASES: Final = r"(?:phase ?)?(?:0|I{1,3}[ab]?|IV|[1-4][ab]?)"
_PHASE: Final = re.compile(rf"(?:early )?{_PHASES}(?: ?[/,-] ?{_PHASES})*|n/?a|not applicable", re.IGNORECASE)
_CODE: Final = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,118}[^\s\x00-\x1f\x7f])?")


def resolved(trial: Trial, problems: Problems) -> Trial:
    """Return the trial with all terms in standard form; notes what is wrong with it."""
    found = msgspec.structs.replace(
        trial,
        criteria=_criteria(trial.criteria, "", trial, problems),
        arms=tuple(_arm(arm, f"arms[{number}]", trial, problems) for number, arm in enumerate(trial.arms)),
    )
    _check_particulars(found, problems)
    _check_codes(found, problems)
    if not problems.refused:
        # With a criterion missing, what is left would say other things than the trial.
        _check_branches(found, problems)
    return found


def _arm(arm: Arm, place: str, trial: Trial, problems: Problems) -> Arm:
    levels = tuple(
        msgspec.structs.replace(
            level, criteria=_criteria(level.criteria, f"{place}.dose_levels[{n}].", trial, problems)
        )
        for n, level in enumerate(arm.dose_levels)
    )
    own = _criteria(arm.criteria, f"{place}.", trial, problems)
    return msgspec.structs.replace(arm, criteria=own, dose_levels=levels)


def _criteria(node: Any, prefix: str, trial: Trial, problems: Problems) -> Any:
    if node is None:
        return None
    place = f"{prefix}criteria"
    return resolve(with_points(node, trial.sites, place, problems), place, problems)


def _check_particulars(trial: Trial, problems: Problems) -> None:
    if trial.id.strip() and not _CODE.fullmatch(trial.id):
        problems.error("bad-id", "id", "An id has at most 120 characters on one line, with no blank at either end.")
    if trial.nct_id and not _NCT.fullmatch(trial.nct_id):
        problems.error("bad-id", "nct_id", "This is not a ClinicalTrials.gov number.", "write NCT and eight digits")
    if trial.language != LANGUAGE_VERSION:
        message = f"This release reads language version {LANGUAGE_VERSION}."
        problems.error("unknown-version", "language", message, f"write {LANGUAGE_VERSION}")

    for number, site in enumerate(trial.sites):
        _check_point(site, f"sites[{number}]", problems)
    if trial.phase and not _PHASE.fullmatch(trial.phase.strip()):
        problems.warn("unknown-phase", "phase", f"{trial.phase!r} is no usual phase.")


def _check_point(site: Site, place: str, problems: Problems) -> None:
    given = [part for part in (site.latitude, site.longitude) if part is not None]
    if len(given) == 1:
        problems.error("no-place", place, "A site's place needs both latitude and longitude.")
    elif given and (abs(given[0]) > places.NORTHMOST or abs(given[1]) > places.EASTMOST):
        problems.error("bad-number", place, "A latitude is from -90 to 90 degrees, a longitude from -180 to 180.")


def _check_codes(trial: Trial, problems: Problems) -> None:
    _unique((arm.code for arm in trial.arms), "arms", "Another arm has this code.", problems)
    _unique((site.id for site in trial.sites), "sites", "Another site has this id.", problems, "id")
    for number, arm in enumerate(trial.arms):
        place = f"arms[{number}].dose_levels"
        _unique((level.code for level in arm.dose_levels), place, "Another dose level has this code.", problems)


def _unique(codes: Iterable[str], place: str, message: str, problems: Problems, key: str = "code") -> None:
    seen: set[str] = set()
    for number, code in enumerate(codes):
        if code in seen:
            problems.error("duplicate-code", f"{place}[{number}].{key}", message, "give each its own")
        if not _CODE.fullmatch(code):
            problems.error("bad-id", f"{place}[{number}].{key}", "A code has at most 120 characters on one line.")
        seen.add(code)


def _check_branches(trial: Trial, problems: Problems) -> None:
    _check_statuses(trial, problems)
    _check_repeats(trial, problems)
    for place, rows in _branches(trial):
        if not joined(*rows):
            problems.error(
                "no-criteria", f"{place}.criteria".lstrip("."), "Nothing is asked for: everybody would match."
            )
        known = {said for row in _partial(rows) for said in contradictions(joined(*row))}
        for said in contradictions(joined(*rows)):
            if said not in known:
                problems.error("unreachable-arm", place or "criteria", f"Nobody can enter it. {said}")


def _check_statuses(trial: Trial, problems: Problems) -> None:
    """Warn of what is open and can take nobody."""
    if trial.arms and all(arm.status != "open" for arm in trial.arms) and trial.status == "open":
        problems.warn("no-open-arm", "arms", "The trial is open, but none of its arms is.")
    if trial.sites and all(site.status != "recruiting" for site in trial.sites) and trial.status == "open":
        problems.warn("no-open-site", "sites", "The trial is open, but none of its sites recruits.")
    for number, arm in enumerate(trial.arms):
        if arm.status == "open" and arm.dose_levels and all(level.status != "open" for level in arm.dose_levels):
            problems.warn("no-open-level", f"arms[{number}]", "The arm is open, but none of its dose levels is.")
        for n, level in enumerate(arm.dose_levels if arm.status != "open" else ()):
            if level.status == "open":
                place = f"arms[{number}].dose_levels[{n}]"
                problems.warn("level-under-closed-arm", place, f"It takes nobody: its arm is {arm.status}.")


def _check_repeats(trial: Trial, problems: Problems) -> None:
    """Warn of criteria of an arm or dose level that the trial, or the arm, asks for already."""
    shared = set(joined(trial.criteria))
    for number, arm in enumerate(trial.arms):
        own = joined(arm.criteria)
        if any(one in shared for one in own):
            problems.warn("duplicate", f"arms[{number}].criteria", "The trial asks for a part of this already.")
        for n, level in enumerate(arm.dose_levels):
            if any(one in shared or one in own for one in joined(level.criteria)):
                place = f"arms[{number}].dose_levels[{n}].criteria"
                problems.warn("duplicate", place, "The trial, or the arm, asks for a part of this already.")


def _branches(trial: Trial) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield each arm and dose level with its rows of criteria, the trial's first."""
    if not trial.arms:
        yield "", (trial.criteria,)
    for number, arm in enumerate(trial.arms):
        place = f"arms[{number}]"
        if not arm.dose_levels:
            yield place, (trial.criteria, arm.criteria)
        for n, level in enumerate(arm.dose_levels):
            yield f"{place}.dose_levels[{n}]", (trial.criteria, arm.criteria, level.criteria)


def _partial(rows: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows one by one, whose own contradictions are noted where they stand."""
    yield from ((row,) for row in rows)
