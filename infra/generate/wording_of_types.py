"""What a key of a trial or criterion takes, in words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, get_args, get_origin

from infra.generate.markdown import code
from infra.generate.trial_schema import without_none
from trialbridge.criteria import language as q

WORDS: Final[Mapping[Any, str]] = {
    bool: "`true` or `false`",
    int: "whole number",
    str: "text",
    Decimal: "number",
    float: "number",
}


def takes(kind: Any) -> str:
    """Return what a field of this type takes."""
    kind = without_none(kind)
    if kind == q.Moment:
        return "moment"
    if kind is q.Period:
        return "period"
    if get_origin(kind) is Literal:
        return ", ".join(code(str(one)) for one in get_args(kind))
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        return f"list of {takes(inner[0])}" if Ellipsis in inner else f"list of {len(inner)}: {takes(inner[0])}"
    return WORDS[kind]
