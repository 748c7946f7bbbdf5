"""Reads a trial's text (YAML or JSON) into plain values with the line of every path."""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.yaml_nodes import DEPTH_LIMIT, Loader, TooMuchError

TEXT_LIMIT: Final = 2_000_000
"""Largest trial that is read, in bytes."""
NODE_LIMIT: Final = 200_000
"""Most values that a trial may have once its aliases are written out."""
PATHS_LIMIT: Final = 50_000_000
"""Most characters that the paths of all values may have together: many values deep down are no trial."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def read_text(text: str | bytes, problems: Problems) -> tuple[Any, dict[str, int]]:
    """Return the document and the line (from 1) of each path; where it cannot be read, None, and why is noted."""
    decoded = _decoded(text, problems)
    if decoded is None:
        return None, {}
    try:
        return _parsed(decoded, problems)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.error("not-read", "", f"It is neither YAML nor JSON: {error.problem or 'broken'}.", line=line)
    except TooMuchError:
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
    written = 0
    for path, line, duplicate in _walk(node):
        if duplicate:
            problems.error("duplicate-key", path, "This key stands here twice.", line=line)
        lines.setdefault(path, line)
        written += len(path)
        if len(lines) > NODE_LIMIT or written > PATHS_LIMIT:
            raise TooMuchError
    return Loader("").construct_document(node), lines


def _walk(root: yaml.Node) -> Iterator[tuple[str, int, bool]]:
    """Yield path, line and whether the key was there before; aliases are followed, so a loop of them ends at the depth limit."""
    waiting: list[tuple[yaml.Node, str, int]] = [(root, "", 0)]
    while waiting:
        node, path, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            raise TooMuchError
        yield path, node.start_mark.line + 1, False
        if isinstance(node, yaml.ScalarNode) and _SURROGATE.search(node.value):
            raise ValueError
        if isinstance(node, yaml.MappingNode):
            inside, twice = _values(node, path)
            yield from twice
        else:
            members = node.value if isinstance(node, yaml.SequenceNode) else ()
            inside = [(one, f"{path}[{number}]") for number, one in enumerate(members)]
        waiting.extend((one, place, depth + 1) for one, place in reversed(inside))


def _values(node: yaml.MappingNode, path: str) -> tuple[list[tuple[yaml.Node, str]], list[tuple[str, int, bool]]]:
    """Return the values of an object with their paths, and the keys that stand there twice."""
    inside: list[tuple[yaml.Node, str]] = []
    twice: list[tuple[str, int, bool]] = []
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or _SURROGATE.search(key.value):
            raise ValueError
        place = f"{path}.{key.value}".lstrip(".")
        if key.value in seen:
            twice.append((place, key.start_mark.line + 1, True))
        seen.add(key.value)
        inside.append((value, place))
    return inside, twice


def line_of(path: str, lines: dict[str, int]) -> int:
    """Return the line of a path, or of the nearest part above it."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)
