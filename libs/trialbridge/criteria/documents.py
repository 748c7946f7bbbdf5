"""Reads a trial's text (YAML or JSON) into plain values with the line of every path."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.yaml_nodes import DEPTH_LIMIT, Loader, TooMuchError, compose

TEXT_LIMIT: Final = 2_000_000
"""Largest trial that is read, in bytes."""
NODE_LIMIT: Final = 200_000
"""Most values that a trial may have once its aliases are written out."""
PATHS_LIMIT: Final = 50_000_000
"""Most characters that the paths of all values may have together: many values deep down are no trial."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Spot(NamedTuple):
    """Where something stands in a file: line and column, from 1; 0 where it is not known."""

    line: int = 0
    column: int = 0


Spots = dict[str, Spot]
"""Where the value of each path stands: where its key does if both are on one line."""


def read_text(text: str | bytes, problems: Problems) -> tuple[Any, Spots]:
    """Return the document and where each path stands; where it cannot be read, None, and why is noted."""
    decoded = _decoded(text, problems)
    if decoded is None:
        return None, {}
    try:
        return _parsed(decoded, problems)
    except yaml.MarkedYAMLError as error:
        spot = _spot(error.problem_mark) if error.problem_mark else Spot()
        problems.error("not-read", "", f"It is neither YAML nor JSON: {error.problem or 'broken'}.", at=spot)
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


def _spot(mark: Any) -> Spot:
    return Spot(mark.line + 1, mark.column + 1)


def _parsed(text: str, problems: Problems) -> tuple[Any, Spots]:
    node = compose(text)
    if node is None:
        problems.error("empty", "", "There is nothing in it.")
        return None, {}
    spots: Spots = {}
    written = 0
    for path, spot, duplicate in _walk(node):
        if duplicate:
            problems.error("duplicate-key", path, "This key stands here twice.", at=spot)
        spots.setdefault(path, spot)
        written += len(path)
        if len(spots) > NODE_LIMIT or written > PATHS_LIMIT:
            raise TooMuchError
    return Loader("").construct_document(node), spots


def _walk(root: yaml.Node) -> Iterator[tuple[str, Spot, bool]]:
    """Yield path, place and whether the key was there before; aliases are followed, so a loop of them ends at the depth limit."""
    waiting: list[tuple[yaml.Node, str, int, Spot]] = [(root, "", 0, _spot(root.start_mark))]
    while waiting:
        node, path, depth, spot = waiting.pop()
        if depth > DEPTH_LIMIT:
            raise TooMuchError
        yield path, spot, False
        if isinstance(node, yaml.ScalarNode) and _SURROGATE.search(node.value):
            raise ValueError
        if isinstance(node, yaml.MappingNode):
            inside, twice = _values(node, path)
            yield from twice
        else:
            members = node.value if isinstance(node, yaml.SequenceNode) else ()
            inside = [(one, f"{path}[{number}]", _spot(one.start_mark)) for number, one in enumerate(members)]
        waiting.extend((one, place, depth + 1, where) for one, place, where in reversed(inside))


def _values(
    node: yaml.MappingNode, path: str
) -> tuple[list[tuple[yaml.Node, str, Spot]], list[tuple[str, Spot, bool]]]:
    """Return the values of an object with their paths and places, and the keys that stand there twice."""
    inside: list[tuple[yaml.Node, str, Spot]] = []
    twice: list[tuple[str, Spot, bool]] = []
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or _SURROGATE.search(key.value):
            raise ValueError
        place = f"{path}.{key.value}".lstrip(".")
        if key.value in seen:
            twice.append((place, _spot(key.start_mark), True))
        seen.add(key.value)
        own, name = _spot(value.start_mark), _spot(key.start_mark)
        inside.append((value, place, name if name.line == own.line else own))
    return inside, twice


def spot_of(path: str, spots: Spots) -> Spot:
    """Return where a path stands, or the nearest part above it."""
    while path and path not in spots:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return spots.get(path, Spot())
