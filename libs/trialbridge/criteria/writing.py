"""Trials as people write them: the surface form (one key per object) of a compiled trial, and documents as YAML or JSON text."""

from decimal import Decimal
from typing import Any, Final, Literal

import msgspec
import yaml

from trialbridge.criteria import language as q
from trialbridge.criteria.trial import LANGUAGE_VERSION, Trial
from trialbridge.criteria.yaml_nodes import Loader

Format = Literal["yaml", "json"]
_WIDTH: Final = 120


class _Dumper(yaml.SafeDumper):
    """Safe YAML without aliases, which a reader would take for something shared."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


# Text that our reader would take for a number stands in quotes, even where YAML 1.1 knows no such number.
_Dumper.yaml_implicit_resolvers = {
    first: [*yaml.SafeDumper.yaml_implicit_resolvers.get(first, ()), *Loader.yaml_implicit_resolvers.get(first, ())]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *Loader.yaml_implicit_resolvers}
}


def surface_form(trial: Trial) -> dict[str, Any]:
    """Return a compiled trial as what people write; compiling it gives the same trial."""
    written: dict[str, Any] = _without_criteria(trial)
    written["language"] = LANGUAGE_VERSION
    if trial.criteria is not None:
        written["criteria"] = _node(trial.criteria)
    if trial.arms:
        written["arms"] = [_arm(arm) for arm in trial.arms]
    return written


def _arm(arm: Any) -> dict[str, Any]:
    written = _without_criteria(arm)
    if arm.criteria is not None:
        written["criteria"] = _node(arm.criteria)
    if getattr(arm, "dose_levels", ()):
        written["dose_levels"] = [_arm(level) for level in arm.dose_levels]
    return written


def _without_criteria(holder: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(holder)
    return {key: value for key, value in plain.items() if key not in ("criteria", "arms", "dose_levels")}


def _node(node: Any) -> dict[str, Any]:
    kind = str(node.__struct_config__.tag)
    if isinstance(node, q.Not):
        return {kind: _node(node.of)}
    if isinstance(node, (q.All, q.Any, q.AtLeast)):
        members: list[dict[str, Any]] = []
        for one in node.of:
            members.append(_node(one))  # noqa: PERF401 - nor two calls for each level here
        return {kind: {"count": node.count, "of": members} if isinstance(node, q.AtLeast) else members}
    return {kind: {key: value for key, value in msgspec.to_builtins(node).items() if key != "kind"}}


def text_of(document: Any, form: Format = "yaml") -> str:
    """Return a document as text: YAML in reading order, or JSON with two blanks of indent; numbers keep their digits."""
    plain = _plain(document)
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"
    try:
        return yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    except RecursionError:
        # The writer of YAML goes deeper for each level than that of JSON, which is YAML too.
        return text_of(plain, "json")


def _plain(value: Any) -> Any:
    """Return nested values with decimal numbers as text, which keeps their digits, and lists in place of tuples."""
    if isinstance(value, dict):
        written: dict[Any, Any] = {}
        for key, one in value.items():
            written[key] = _plain(one)
        return written
    if isinstance(value, (list, tuple)):
        listed: list[Any] = []
        # No comprehension: what is nested deeply must not need two calls for each level.
        for one in value:
            listed.append(_plain(one))  # noqa: PERF401
        return listed
    return f"{value:f}" if isinstance(value, Decimal) else value
