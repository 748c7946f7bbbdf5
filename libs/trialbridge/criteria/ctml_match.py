"""The ``match`` lists of CTML to native groups. Items of a list are ANDed; ``and`` and ``or`` may be numbered (``or_1``).

A native criterion may need several CTML leaves, since a CTML key takes one value and one bound. Such leaves stand in a group
named ``or_one_criterion`` or ``and_one_criterion``: to any other reader it is what it says, here its members are made one
criterion again.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, Final

from trialbridge.criteria.ctml_clinical import clinical, treatment
from trialbridge.criteria.ctml_genomic import genomic
from trialbridge.criteria.ctml_reading import Node, Reading
from trialbridge.criteria.terminology.nearest import hint

ONE: Final = "_one_criterion"
_LEAVES: Final[Mapping[str, Callable[[Any, str, Reading], list[Node]]]] = {
    "clinical": clinical,
    "genomic": genomic,
    "prior_treatment": treatment,
    "prior_treatments": treatment,
}
_WORDS: Final = ("and", "or", *_LEAVES)


def match(items: Any, path: str, reading: Reading) -> Node | None:
    """Return the criterion of a ``match`` list, None where it asks for nothing."""
    if items in (None, []):
        return None
    if not isinstance(items, list):
        reading.error("wrong-type", path, "match is a list.")
        return None
    return _all(_members(items, path, reading), path, reading)


def both(one: Node | None, other: Node | None, path: str, reading: Reading) -> Node | None:
    """Return what both criteria together ask for."""
    return reading.group("all", [one, other], path) if one and other else one or other


def _all(members: list[Node], path: str, reading: Reading) -> Node | None:
    return None if not members else members[0] if len(members) == 1 else reading.group("all", members, path)


def _members(items: list[Any], path: str, reading: Reading) -> list[Node]:
    """Return the criteria of a list that is ANDed; an item with several keys is as many criteria."""
    found: list[Node] = []
    for number, item in enumerate(items):
        found.extend(_item(item, f"{path}[{number}]", reading))
    return found


def _item(item: Any, path: str, reading: Reading) -> list[Node]:
    if not isinstance(item, dict) or not item:
        reading.error("wrong-type", path, f"An item of match is an object: {', '.join(_WORDS)}.")
        return []
    found: list[Node] = []
    for key, value in item.items():
        found.extend(_part(str(key), value, f"{path}.{key}", reading))
    return found


def _part(key: str, value: Any, path: str, reading: Reading) -> list[Node]:
    plain = key.casefold()
    if plain in _LEAVES:
        return _LEAVES[plain](value, path, reading)
    word = next((word for word in ("and", "or") if plain.startswith(word)), None)
    if word is None:
        reading.error("unknown-key", path, f"match takes {', '.join(_WORDS)}.", hint(key, _WORDS))
        return []
    if not isinstance(value, list) or not value:
        reading.error("empty-group", path, "A group needs at least one criterion.")
        return []
    node = (_any if word == "or" else _every)(value, path, reading)
    if node is not None and plain == f"{word}{ONE}":
        node = _one(node, word, path, reading)
    return [node] if node is not None else []


def _every(items: list[Any], path: str, reading: Reading) -> Node | None:
    members = _members(items, path, reading)
    return reading.group("all", members, path) if members else None


def _any(items: list[Any], path: str, reading: Reading) -> Node | None:
    members = []
    for number, item in enumerate(items):
        spot = f"{path}[{number}]"
        before = len(reading.problems.found)
        node = _all(_item(item, spot, reading), spot, reading)
        if node is not None:
            members.append(node)
        elif not reading.refused_since(before):
            message = "This member asks for nothing, so that the whole group would be met by everybody."
            reading.error("always-met", spot, message, "leave the group out")
    return reading.group("any", members, path) if members else None


def _one(node: Node, word: str, path: str, reading: Reading) -> Node | None:
    """Return the members of a group as the one criterion that they are."""
    ((_, members),) = node.items()
    negated = {"not" in member for member in members}
    bare = [member.get("not", member) for member in members]
    kinds = {kind for member in bare for kind in member}
    if len(negated) == 1 and len(kinds) == 1 and not kinds & {"all", "any"}:
        kind, bodies = kinds.pop(), [next(iter(member.values())) for member in bare]
        body = (_union if (word == "or") is (negated == {False}) else _merged)(bodies)
        if body is not None:
            leaf = reading.at(path, {kind: body})
            return reading.negation(leaf, path) if negated == {True} else leaf
    reading.error("not-one", path, f"The members of {word}{ONE} are not parts of one criterion.", f"write {word}")
    return None


def _union(bodies: list[Node]) -> Node | None:
    """Return the criterion that takes any of the members' values; None where they are not all combinations of values."""
    if any(set(body) != set(bodies[0]) for body in bodies):
        return None
    joined: Node = {}
    for name, value in bodies[0].items():
        if isinstance(value, list):
            joined[name] = list(dict.fromkeys(word for body in bodies for word in body[name]))
        elif all(body[name] == value for body in bodies):
            joined[name] = value
        else:
            return None
    lists = [name for name, value in joined.items() if isinstance(value, list)]
    asked = sorted(product(*(joined[name] for name in lists)))
    given = sorted(one for body in bodies for one in product(*(body[name] for name in lists)))
    return joined if asked == given else None


def _merged(bodies: list[Node]) -> Node | None:
    """Return the criterion with the bounds of all members; None where they contradict each other."""
    joined: Node = {}
    for body in bodies:
        for name, value in body.items():
            if joined.setdefault(name, value) != value:
                return None
    return joined
