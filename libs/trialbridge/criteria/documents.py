"""Reads a trial's text (YAML or JSON) into plain values with the line of every path."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import yaml

from trialbridge.criteria.diagnostics import Problems

TEXT_LIMIT: Final = 2_000_000
"""Largest trial that is read, in bytes."""
DEPTH_LIMIT: Final = 200
NODE_LIMIT: Final = 200_000
"""Most values that a trial may have once its aliases are written out."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Loader(yaml.SafeLoader):
    """Safe YAML whose plain words stay words: only null, true, false and decimal numbers are anything else, as in JSON."""


Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,18})", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^{_pattern}$"), _first)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | str:
    """Return a decimal number with the digits as written."""
    text = loader.construct_scalar(node)
    try:
        return Decimal(text)
    except InvalidOperation:
        return str(text)


Loader.add_constructor("tag:yaml.org,2002:float", _number)


class _TooMuchError(Exception):
    """The document has more values, or is nested more deeply, than any trial."""


def read_text(text: str | bytes, problems: Problems) -> tuple[Any, dict[str, int]]:
    """Return the document and the line (from 1) of each path; where it cannot be read, None, and why is noted."""
    decoded = _decoded(text, problems)
    if decoded is None:
        return None, {}
    try:
        return _parsed(decoded, problems)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.error("not-read", "", f"It is neither YAML nor JSON: {error.problem or 'broken'} (line {line}).")
    except _TooMuchError:
        problems.error("too-large", "", "It has too many values, or is nested too deeply.")
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        problems.error("not-read", "", "It is neither YAML nor JSON, or nested too deeply.")
    return None, {}


def _decoded(text: str | bytes, problems: Problems) -> str | None:
    if len(text) > TEXT_LIMIT:
        problems.error("too-large", "", f"A trial may have {TEXT_LIMIT} bytes at most.")
        return None
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        decoded.encode()
    except UnicodeError:
        problems.error("not-read", "", "It is not UTF-8 text.")
        return None
    # JSON may be indented with tabs, which YAML forbids; inside of JSON's strings a tab is always escaped.
    return decoded.replace("\t", " ") if decoded.lstrip()[:1] in ("{", "[") else decoded


def _parsed(text: str, problems: Problems) -> tuple[Any, dict[str, int]]:
    node = yaml.compose(text, Loader=Loader)
    if node is None:
        problems.error("empty", "", "There is nothing in it.")
        return None, {}
    lines: dict[str, int] = {}
    for path, line, duplicate in _walk(node, "", 0):
        if duplicate:
            problems.error("duplicate-key", path, "This key stands here twice.", line=line)
        lines.setdefault(path, line)
        if len(lines) > NODE_LIMIT:
            raise _TooMuchError
    return Loader("").construct_document(node), lines


def _walk(node: yaml.Node, path: str, depth: int) -> Iterator[tuple[str, int, bool]]:
    """Yield path, line and whether the key was there before; aliases are followed, so a loop of them ends at the depth limit."""
    if depth > DEPTH_LIMIT:
        raise _TooMuchError
    yield path, node.start_mark.line + 1, False
    if isinstance(node, yaml.ScalarNode) and _SURROGATE.search(node.value):
        raise ValueError
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or _SURROGATE.search(key.value):
                raise ValueError
            place = f"{path}.{key.value}".lstrip(".")
            if key.value in seen:
                yield place, key.start_mark.line + 1, True
            seen.add(key.value)
            yield from _walk(value, place, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _walk(value, f"{path}[{number}]", depth + 1)


def line_of(path: str, lines: dict[str, int]) -> int:
    """Return the line of a path, or of the nearest part above it."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)
