"""Reads a trial's text (YAML or JSON) into plain values with the line of every path."""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from trialbridge.criteria.diagnostics import Problems

TEXT_LIMIT: Final = 2_000_000
"""Largest trial that is read, in bytes."""
DEPTH_LIMIT: Final = 200


class _Loader(yaml.SafeLoader):
    """Safe YAML with numbers, dates and versions left as their text where that matters."""


# A date or a version is text to us; YAML 1.1 would make objects of them, and yes/no booleans of words.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_text(text: str | bytes, problems: Problems) -> tuple[Any, dict[str, int]]:
    """Return the document and the line (from 1) of each path; notes ``trial.not-read`` and returns None where it cannot be read."""
    raw = text if isinstance(text, bytes) else text.encode()
    if len(raw) > TEXT_LIMIT:
        problems.error("too-large", "", f"A trial may have {TEXT_LIMIT} bytes at most.")
        return None, {}
    try:
        node = yaml.compose(raw.decode("utf-8-sig"), Loader=_Loader)
        if node is None:
            problems.error("empty", "", "There is nothing in it.")
            return None, {}
        lines = dict(_lines(node, "", 0))
        return _Loader("").construct_document(node), lines
    except UnicodeDecodeError:
        problems.error("not-read", "", "It is not UTF-8 text.")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.error("not-read", "", f"It is neither YAML nor JSON: {error.problem or 'broken'} (line {line}).")
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        problems.error("not-read", "", "It is neither YAML nor JSON, or nested too deeply.")
    return None, {}


def _lines(node: yaml.Node, path: str, depth: int) -> Iterator[tuple[str, int]]:
    if depth > DEPTH_LIMIT:
        raise RecursionError
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, f"{path}.{key.value}".lstrip("."), depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, f"{path}[{number}]", depth + 1)


def line_of(path: str, lines: dict[str, int]) -> int:
    """Return the line of a path, or of the nearest part above it."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)
