"""A trial written as CTML, so that reading it gives the same trial; what CTML cannot say is an error where it stands.

One dialect is written, MatchMiner's, with keys of the others where it has none. A criterion that needs several CTML leaves is
written as a group of them (`ctml_match`). Every document is read back before it is handed out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from trialbridge.criteria import language as q
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.ctml_match import ONE
from trialbridge.criteria.ctml_particulars import EXTENSION, site_id
from trialbridge.criteria.ctml_sayable import Cannot, Fragment, Parts, parts_of
from trialbridge.criteria.diagnostics import Diagnostic, Problems
from trialbridge.criteria.trial import Arm, DoseLevel, Trial
from trialbridge.criteria.writing import text_of

_STATUS: Final = {"open": "open to accrual", "suspended": "suspended", "closed": "closed to accrual"}
_SITE_STATUS: Final = {
    "recruiting": "Open to Accrual", "not_yet_recruiting": "Not yet recruiting", "suspended": "Suspended", "closed": "Closed to Accrual",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """The outcome of an export."""

    document: dict[str, Any] | None
    """None where CTML cannot say all of the trial."""
    diagnostics: tuple[Diagnostic, ...]


def export(trial: Trial) -> Exported:
    """Return a compiled trial as a CTML document, or what of it CTML cannot say."""
    problems = Problems()
    cannot = Cannot(problems)
    document = {
        **_particulars(trial),
        **_matched(trial.criteria, "", cannot),
        "treatment_list": {"step": _steps(trial, cannot)},
    }
    if not problems.refused and (path := _differs(trial, document)):
        cannot.say(path, "CTML says something else for this, in a way that was not foreseen.")
    return Exported(None if problems.refused else document, tuple(problems.found))


def _particulars(trial: Trial) -> dict[str, Any]:
    given = {
        "protocol_no": trial.id,
        "nct_id": trial.nct_id,
        "long_title": trial.title,
        "phase": trial.phase,
        "status": _STATUS[trial.status],
        "_summary": {"status": [{"value": _STATUS[trial.status]}]},
        "sponsor_list": {"sponsor": [{"sponsor_name": trial.sponsor, "is_principal_sponsor": "Y"}]}
        if trial.sponsor
        else "",
        "site_list": {"site": [_site(site) for site in trial.sites]} if trial.sites else "",
        "drug_list": {"drug": [{"drug_name": drug} for drug in trial.drugs]} if trial.drugs else "",
        EXTENSION: _extension(trial),
    }
    return {key: value for key, value in given.items() if value}


def _site(site: Any) -> Fragment:
    return {"site_name": site.name, "site_status": _SITE_STATUS[site.status]}


def _extension(trial: Trial) -> Fragment:
    """Return the particulars that CTML has no key for."""
    own: Fragment = {}
    if trial.lab:
        own["lab"] = trial.lab
    if trial.review:
        own["review"] = True
    if trial.protocol:
        own["protocol"] = trial.protocol
    taken: set[str] = set()
    sites = []
    for site in trial.sites:
        usual = site_id(site.name, taken)
        taken.add(site.id)
        more = {"id": site.id if site.id != usual else "", "country": site.country, "region": site.region}
        point = {"latitude": site.latitude, "longitude": site.longitude}
        named = {key: value for key, value in more.items() if value}
        sites.append(named | {key: value for key, value in point.items() if value is not None})
    return {**own, "sites": sites} if any(sites) else own


def _steps(trial: Trial, cannot: Cannot) -> list[Fragment]:
    if not trial.arms:
        return []
    arms = [_arm(arm, number, cannot) for number, arm in enumerate(trial.arms)]
    return [{"step_code": "1", "step_internal_id": 1, "arm": arms}]


def _arm(arm: Arm, number: int, cannot: Cannot) -> Fragment:
    place = f"arms[{number}]"
    return {
        "arm_code": arm.code,
        "arm_internal_id": number + 1,
        "arm_description": arm.title,
        "arm_suspended": "N" if arm.status == "open" else "Y",
        **({"arm_status": "closed"} if arm.status == "closed" else {}),
        **_matched(arm.criteria, f"{place}.", cannot),
        "dose_level": [
            _level(level, f"{place}.dose_levels[{n}]", n, cannot) for n, level in enumerate(arm.dose_levels)
        ],
    }


def _level(level: DoseLevel, place: str, number: int, cannot: Cannot) -> Fragment:
    return {
        "level_code": level.code,
        "level_internal_id": number + 1,
        "level_description": level.title,
        "level_suspended": "N" if level.status == "open" else "Y",
        **({"level_status": "closed"} if level.status == "closed" else {}),
        **_matched(level.criteria, f"{place}.", cannot),
    }


def _matched(criteria: Any, prefix: str, cannot: Cannot) -> Fragment:
    """Return the ``match`` list of a trial, arm or dose level; nothing where it has no criteria."""
    if criteria is None:
        return {}
    path = f"{prefix}criteria"
    if isinstance(criteria, q.All) and len(criteria.of) > 1:
        # The items of a list are ANDed.
        return {"match": [_node(one, f"{path}.all[{number}]", cannot) for number, one in enumerate(criteria.of)]}
    return {"match": [_node(criteria, path, cannot)]}


def _node(node: Any, path: str, cannot: Cannot) -> Fragment:
    place = f"{path}.{node.__struct_config__.tag}"
    if isinstance(node, (q.All, q.Any)):
        word = "and" if isinstance(node, q.All) else "or"
        members: list[Fragment] = []
        for number, one in enumerate(node.of):
            members.append(_node(one, f"{place}[{number}]", cannot))
        return {word: members}
    if isinstance(node, q.AtLeast):
        cannot.say(place, "CTML has no at_least group.", "write any of all the ways to fulfil it")
        return {}
    if isinstance(node, q.Not):
        return _excluded(node.of, place, cannot)
    parts = parts_of(node, place, cannot)
    return {} if parts is None else _written(parts, excluded=False)


def _excluded(node: Any, place: str, cannot: Cannot) -> Fragment:
    if isinstance(node, (q.All, q.Any, q.Not, q.AtLeast)):
        found = _whole(node, f"{place}.{node.__struct_config__.tag}", cannot)
        if found is None:
            cannot.say(place, "CTML negates leaves, no groups.", "negate each member, and turn all into any")
        return found or {}
    parts = parts_of(node, f"{place}.{node.__struct_config__.tag}", cannot)
    return {} if parts is None else _written(parts, excluded=True)


def _whole(node: Any, place: str, cannot: Cannot) -> Fragment | None:
    """Return a group that one CTML leaf stands for, excluded; None for any other."""
    if isinstance(node, q.Any) and (gene := getattr(node.of[0], "gene", None)):
        kinds = (q.Variant(gene=gene), q.CopyNumber(gene=gene), q.Fusion(gene=gene))
        return {"genomic": {"hugo_symbol": gene, "variant_category": "!Any Variation"}} if node.of == kinds else None
    if isinstance(node, q.Any) and all(isinstance(one, q.Expression) for one in node.of):
        return _markers(node, place, cannot)
    if isinstance(node, q.All) and all(isinstance(one, q.Signature) for one in node.of):
        return _signatures(node, place, cannot)
    return None


def _markers(node: q.Any, place: str, cannot: Cannot) -> Fragment | None:
    found = [parts_of(one, f"{place}[{number}].expression", cannot) for number, one in enumerate(node.of)]
    key = "molecular_marker_other"
    if any(one is None or one.mark != key for one in found):
        return None
    return {"clinical": {key: [one.same[key] for one in found if one], f"no_{key}": True}}


def _signatures(node: q.All, place: str, cannot: Cannot) -> Fragment | None:
    found = [parts_of(one, f"{place}[{number}].signature", cannot) for number, one in enumerate(node.of)]
    leaf: Fragment = {"variant_category": "!Signature"}
    for one in found:
        if one is None or one.leaf != "genomic" or len(one.choices[0]) != 1 or one.mark in leaf:
            return None
        leaf.update(one.choices[0][0])
    return {"genomic": leaf}


def _written(parts: Parts, *, excluded: bool) -> Fragment:
    """Return a leaf as one CTML leaf, or as a group of those that together are it."""
    leaves = [
        _bounded(
            {**parts.same, **{key: value for one in choice for key, value in one.items()}}, parts, excluded=excluded
        )
        for choice in product(*parts.choices)
    ]
    return _grouped(leaves, "and" if excluded else "or")


def _bounded(leaf: Fragment, parts: Parts, *, excluded: bool) -> Fragment:
    bounded = [{**leaf, **bound} for bound in parts.bounds] or [leaf]
    leaves = [{parts.leaf: _marked(one, parts.mark) if excluded else one} for one in bounded]
    return _grouped(leaves, "or" if excluded else "and")


def _grouped(leaves: Sequence[Fragment], word: str) -> Fragment:
    return leaves[0] if len(leaves) == 1 else {f"{word}{ONE}": list(leaves)}


def _marked(leaf: Fragment, mark: str) -> Fragment:
    return {key: f"!{value}" if key == mark else value for key, value in leaf.items()}


def _differs(trial: Trial, document: Fragment) -> str | None:
    """Return the path of the first part that reads otherwise than it was, None where all is the same."""
    again = compile_text(text_of(document)).trial
    if again is None:
        return "trial"
    for name in Trial.__struct_fields__:
        if name != "arms" and getattr(trial, name) != getattr(again, name):
            return name
    for number, (one, other) in enumerate(zip(trial.arms, again.arms, strict=False)):
        if one != other:
            return f"arms[{number}]"
    return None if trial == again else "arms"
