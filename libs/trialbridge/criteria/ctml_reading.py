"""What a CTML document says on its way to the native form: criteria, each with the place that it comes from, and what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology.nearest import hint

Node = dict[str, Any]
"""A criterion in the native surface form."""
_TRUE: Final = frozenset({"true", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "n", "0"})


_PARTICULARS: Final = {
    "id": "protocol_no", "title": "long_title", "sponsor": "sponsor_list", "drugs": "drug_list", "sites": "site_list",
    "criteria": "match", "arms": "treatment_list", "lab": "_trialbridge.lab", "protocol": "_trialbridge.protocol",
}  # fmt: skip
"""Where particulars of the native form come from."""


def empty(value: Any) -> bool:
    """Return whether a value says nothing at all."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


class Said(NamedTuple):
    """A value of the document, its path, and whether ``!`` or a ``no_`` key negates it."""

    value: Any
    path: str
    negated: bool = False


class Reading:
    """One document being read; it remembers where each criterion and each of its fields comes from."""

    def __init__(self, problems: Problems) -> None:
        """Begin without anything read."""
        self.problems = problems
        self._origins: dict[int, str] = {}
        self._fields: dict[tuple[int, str], str] = {}
        self._kept: list[Any] = []
        """What `_origins` knows by identity must live as long."""

    def error(self, code: str, path: str, message: str, advice: str = "") -> None:
        """Note a fault."""
        self.problems.error(code, path, message, advice)

    def warn(self, code: str, path: str, message: str, advice: str = "") -> None:
        """Note a doubt."""
        self.problems.warn(code, path, message, advice)

    def left_out(self, path: str, why: str) -> None:
        """Note what was read and has no place in the trial."""
        self.problems.left_out(path, why)

    def leave(self, holder: Mapping[str, Any], keys: Sequence[str], path: str, why: str) -> None:
        """Note those of the keys that say something, none of which has a place in the trial."""
        for key in keys:
            if not empty(holder.get(key)):
                self.left_out(f"{path}.{key}".lstrip("."), why)

    def leaf(self, kind: str, path: str, fields: Mapping[str, Said]) -> Node:
        """Return a native leaf that comes from ``path``."""
        body = {name: said.value for name, said in fields.items()}
        for name, said in fields.items():
            self._fields[(id(body), name)] = said.path
        return self.at(path, {kind: body}, body)

    def group(self, word: str, members: Sequence[Node], path: str) -> Node:
        """Return a native group that comes from ``path``."""
        return self.at(path, {word: list(members)})

    def negation(self, node: Node, path: str) -> Node:
        """Return the negation of a criterion."""
        return self.at(path, {"not": node})

    def at(self, path: str, node: Node, *others: Any) -> Node:
        """Remember where a part of the native form comes from; return it."""
        for one in (node, *others):
            self._origins[id(one)] = path
            self._kept.append(one)
        return node

    def refused_since(self, count: int) -> bool:
        """Return whether a fault is among the diagnostics after the first ``count``."""
        return any(one.severity == "error" for one in self.problems.found[count:])

    def asks_for(self, kind: str) -> bool:
        """Return whether any leaf of the kind was read."""
        return any(isinstance(one, dict) and kind in one for one in self._kept)

    def origin(self, node: Any) -> str:
        """Return where a part of the native form comes from, empty where it was not read."""
        return self._origins.get(id(node), "")

    def field_origins(self, node: Node) -> dict[str, str]:
        """Return where each field of a leaf comes from."""
        (body,) = node.values()
        return {name: path for name in body if (path := self._fields.get((id(body), name)))}

    def places(self, native: Mapping[str, Any]) -> dict[str, str]:
        """Return the CTML path of each native path of the finished trial, as far as it comes from one place."""
        found = {**_PARTICULARS, **dict(self._criteria(native, ""))}
        for number, arm in enumerate(native["arms"]):
            spot = f"arms[{number}]"
            found[spot] = self.origin(arm)
            found.update(self._criteria(arm, f"{spot}."))
            for n, level in enumerate(arm["dose_levels"]):
                found[f"{spot}.dose_levels[{n}]"] = self.origin(level)
                found.update(self._criteria(level, f"{spot}.dose_levels[{n}]."))
        for number, site in enumerate(native["sites"]):
            found[f"sites[{number}]"] = self.origin(site)
        return {place: path for place, path in found.items() if path}

    def _criteria(self, holder: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
        if holder.get("criteria"):
            yield f"{prefix}criteria", self.origin(holder["criteria"])
            yield from self._node(holder["criteria"], f"{prefix}criteria")

    def _node(self, node: Node, path: str) -> Iterator[tuple[str, str]]:
        ((kind, body),) = node.items()
        place = f"{path}.{kind}"
        yield place, self.origin(node)
        if kind == "not":
            yield from self._node(body, place)
        elif isinstance(body, list):
            for number, one in enumerate(body):
                yield f"{place}[{number}]", self.origin(one)
                yield from self._node(one, f"{place}[{number}]")
        else:
            yield from ((f"{place}.{name}", path) for name, path in self.field_origins(node).items())


def text_of(said: Said, reading: Reading) -> str:
    """Return a single value as text; a list or an object is noted."""
    value = said.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, Decimal)):
        return " ".join(str(value).split())
    if value is not None:
        reading.error("wrong-type", said.path, "This is one value, no list and no object.")
    return ""


def words_of(said: Said, reading: Reading) -> list[str]:
    """Return one or several values as text; a negated one inside of a list is noted."""
    members = said.value if isinstance(said.value, list) else [said.value]
    found = [text_of(Said(one, _numbered(said, number)), reading) for number, one in enumerate(members)]
    for number, word in enumerate(found):
        if not word and (members[number] is None or isinstance(members[number], str)):
            reading.error("no-value", _numbered(said, number), "This is empty.")
        if word.startswith("!"):
            message = "Negate the whole list, or write a leaf for each: in a list it is not clear what is excluded."
            reading.error("mixed-negation", _numbered(said, number), message)
    if not members:
        reading.error("empty-list", said.path, "A list needs at least one value; leave the key out instead.")
    return [word for word in found if word and not word.startswith("!")]


def _numbered(said: Said, number: int) -> str:
    return f"{said.path}[{number}]" if isinstance(said.value, list) else said.path


def flag_of(said: Said, reading: Reading) -> bool | None:
    """Return yes or no in any spelling, None (which is noted) for anything else."""
    word = text_of(said, reading).casefold()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    reading.error("unknown-word", said.path, f"{word!r} is neither yes nor no.", "write Y or N")
    return None


def chosen(said: Said, table: Mapping[str, Any], what: str, reading: Reading) -> Any:
    """Return what a word means by a table with lower-case keys, None (which is noted) where the table lacks it."""
    word = text_of(said, reading)
    found = table.get(word.casefold())
    if found is None:
        reading.error("unknown-word", said.path, f"There is no {what} {word!r}.", hint(word, table))
    return found


def said_of(given: Any, path: str, reading: Reading, known: Sequence[str], what: str) -> dict[str, Said]:
    """Return the values of an object by key in lower case; unknown and repeated keys are noted.

    ``no_`` before a key (``no_gender: true``) negates its value as ``!`` does; so does an empty value nothing at all.
    """
    if not isinstance(given, dict) or not given:
        reading.error("wrong-type", path, f"A {what} leaf is an object with at least one key.")
        return {}
    found: dict[str, Said] = {}
    for key, value in given.items():
        name, place = str(key).casefold(), f"{path}.{key}"
        if name in found:
            reading.error("duplicate-key", place, "This key stands here twice.")
        elif name in known or name.removeprefix("no_") in known:
            found[name] = _unmarked(value, place)
        else:
            reading.error("unknown-key", place, f"This {what} key is not read.", hint(str(key), known))
    return _negated(found, known, reading)


def _unmarked(value: Any, place: str) -> Said:
    if isinstance(value, str) and value.strip().startswith("!"):
        return Said(value.strip()[1:].strip(), place, negated=True)
    return Said(value, place)


def _negated(found: Mapping[str, Said], known: Sequence[str], reading: Reading) -> dict[str, Said]:
    """Return the values with their ``no_`` keys worked in."""
    values = {name: said for name, said in found.items() if name in known and said.value not in (None, "")}
    for name, said in found.items():
        if name in known:
            if said.value in (None, "") and name != "hugo_symbol":
                reading.error("no-value", said.path, "A key needs a value; leave the key out instead.")
            elif isinstance(said.value, str) and said.value.startswith("!"):
                reading.error("double-negation", said.path, "Negate once.")
                del values[name]
            continue
        if flag_of(said, reading):
            of = name.removeprefix("no_")
            if of not in values:
                reading.error("no-value", said.path, f"There is no {of} here to negate.")
            else:
                if values[of].negated:
                    reading.left_out(said.path, "The value is negated already.")
                values[of] = values[of]._replace(negated=True)
        else:
            reading.left_out(said.path, "No is what the leaf says without the key.")
    return values
