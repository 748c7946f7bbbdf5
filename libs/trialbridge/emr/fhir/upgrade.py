"""From another edition to R4: each element goes where the tables say, and what R4 has no place for into extensions.

The extensions are those that FHIR itself defines for this (Extensions for converting between versions):
``http://hl7.org/fhir/3.0/StructureDefinition/extension-Condition.assertedDate``.
"""

from decimal import Decimal
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Leaf, Made, Row, confirm, drop, keep, leaves_of, made, settle
from trialbridge.emr.fhir.changes import ACTIONS, Change
from trialbridge.emr.fhir.elements import NUMBERS, OLDER, Edition, Kind, elements_of
from trialbridge.emr.fhir.links import KEPT
from trialbridge.emr.fhir.reshaping import reshape
from trialbridge.emr.fhir.rules import renamed, rules_of
from trialbridge.emr.records import Resource

DEEPEST: Final = 60
_EXTENSION: Final = "http://hl7.org/fhir/{}/StructureDefinition/extension-{}"


def upgraded(resource: Resource, edition: Edition, place: Place) -> tuple[Resource, tuple[Row, ...]]:
    """Return the resource as R4, unchecked, and what became of each of its leaves; raise `Poison` ``fhir.too-deep``."""
    leaves: list[tuple[str, Leaf]] = []
    try:
        traced = _traced(resource, str(resource["resourceType"]), leaves)
        work = Upgrade(edition)
        plain, found = settle(work.resource(traced))
    except RecursionError:
        raise Poison("fhir.too-deep", "The resource is nested more deeply than any that is read.", place) from None
    confirm([one for one in found if id(one[0]) not in work.kept or ".extension" not in one[1]])
    for leaf, path in found:
        keep(leaf, path)
    for leaf in work.implied:
        drop(leaf, "fhir.said-by-default")
    for path, leaf in leaves:
        if leaf.fate == "unaccounted":
            _keep_raw(plain, path, leaf)
    return plain, tuple((path, leaf.fate, leaf.where) for path, leaf in leaves)


def _keep_raw(resource: Resource, path: str, leaf: Leaf) -> None:
    """Keep what no rule knew what to do with, because it is not what its edition says it is."""
    if not leaf.strip() or not isinstance(resource.setdefault("extension", []), list):
        drop(leaf, "fhir.empty")
        return
    parts = [{"url": "path", "valueString": path}, {"url": "value", "valueString": str(leaf)}]
    resource["extension"].append({"url": KEPT, "extension": parts})
    keep(leaf, f"{resource['resourceType']}.extension.extension.valueString")


def _traced(value: Any, path: str, leaves: list[tuple[str, Leaf]], depth: int = 0) -> Any:
    """Return JSON whose plain values know what became of them."""
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        kind = value.get("resourceType")
        # The type of a resource is no value of it: it says what the others are. An element of that name is one as any other.
        is_type = isinstance(kind, str)
        found = {
            name: _traced(inner, f"{path}.{name}", leaves, depth + 1)
            for name, inner in value.items()
            if not (is_type and name == "resourceType")
        }
        if is_type:
            leaf = Leaf(str(kind))
            leaves.append((f"{path}.resourceType", leaf))
            return {"resourceType": leaf, **found}
        return found
    if isinstance(value, list):
        return [_traced(one, path, leaves, depth + 1) for one in value]
    if value is None:
        return None
    leaf = Leaf(str(value))
    leaves.append((path, leaf))
    return leaf if isinstance(value, str) else Made(value, (leaf,))


class Upgrade:
    """One resource on its way to R4."""

    def __init__(self, edition: Edition) -> None:
        """Begin with an edition."""
        self.edition = edition
        self.kept: set[int] = set()
        """Leaves that went into extensions, by id()."""
        self.implied: list[Leaf] = []
        """Leaves that say what is understood anyway, such as that something was not refused."""

    def resource(self, value: Resource) -> Resource:
        """Return a resource, or one that is contained in another."""
        old = str(value["resourceType"])
        new = renamed(self.edition).get(old, old)
        kind = value["resourceType"] if new == old else made(new, value["resourceType"])
        inner = {name: one for name, one in value.items() if name != "resourceType"}
        return {"resourceType": kind, **self.object(inner, old, new, old)}

    def object(self, value: dict[str, Any], old: str, new: str, path: str) -> dict[str, Any]:
        """Return an object of a type of R4; ``path`` is where it stood in its own edition."""
        elements = elements_of(self.edition, old) or {}
        change = Change(self, value, elements, elements_of("R4", new), path)
        rules = rules_of(self.edition, old)
        for name, inner in value.items():
            base = name.removeprefix("_")
            if name != base and base in value:
                continue  # it goes with its value
            for rule in rules.get(base, ()):
                if ACTIONS[rule.action](change, base, rule.argument):
                    break
            else:
                self._same(change, name, base, inner)
        for name, found in rules.items():
            for rule in found:
                if rule.action == "default" and name not in change.out and f"_{name}" not in change.out:
                    change.default(name, rule.argument)
        if old == "Reference":
            self._reference(change.out)
        return change.finished()

    def element(self, kind: str, name: str) -> Kind | None:
        """Return an element of a type of this edition, None where it has none."""
        return (elements_of(self.edition, kind) or {}).get(name)

    def _same(self, change: "Change", name: str, base: str, inner: Any) -> None:
        element = change.elements.get(base)
        if element is None and base != "resourceType":
            change.out[name] = inner  # no element of its edition: the checks will say so
        else:
            change.put(base, base)

    def _reference(self, out: dict[str, Any]) -> None:
        """Let a reference name a resource as it is called in R4."""
        reference = out.get("reference")
        if not isinstance(reference, str):
            return
        kind, slash, rest = reference.partition("/")
        other = renamed(self.edition).get(kind)
        if other is not None and slash:
            out["reference"] = made(f"{other}/{rest}", reference)

    def fitted(self, value: Any, old: Kind, new: Kind, path: str) -> tuple[list[Any], list[Any]]:
        """Return the values of an element as values of R4, and what of them has no place in it."""
        given = value if isinstance(value, list) else [value]
        values, rest = [], []
        for one in given:
            if old.name.lower() != new.name.lower() and not _alike(old.name, new.name):
                made_of = reshape(one, old.name, new.name)
                if made_of is None:
                    rest.append(one)
                    continue
                one, over = made_of  # noqa: PLW2901
                rest += [over] if over else []
                values.append(self._inner(one, new.name, new.name, path))
            else:
                values.append(self._inner(one, old.name, new.name, path))
        if not new.several:
            rest += given[1:] if len(values) == len(given) else []
            values = values[:1]
        return values, rest

    def whole(self, value: Any, kind: Kind) -> Any:
        """Return a value whose type has the same name in R4."""
        if isinstance(value, list):
            return [self._inner(one, kind.name, kind.name, kind.name) for one in value]
        return self._inner(value, kind.name, kind.name, kind.name)

    def _inner(self, one: Any, old: str, new: str, path: str) -> Any:
        if not isinstance(one, dict):
            return one
        is_resource = isinstance(one.get("resourceType"), str)
        if old == "Resource" or is_resource:
            return self.resource(one) if is_resource else one
        if old == "Extension":
            return self._extension(one)
        return self.object(one, old, new, path)

    def _extension(self, one: dict[str, Any]) -> dict[str, Any]:
        found = self.object(one, "Extension", "Extension", "Extension")
        return {name: inner for name, inner in found.items() if not (name == "extension" and not inner)}

    def extension(self, name: str, value: Any, kind: Kind | None, path: str) -> dict[str, Any]:
        """Return what R4 has no element for as an extension; its leaves count as kept."""
        self._note(value)
        url = _EXTENSION.format(NUMBERS[self.edition], f"{path}.{name}")
        return {"url": url, **self._content(value, kind)}

    def _content(self, value: Any, kind: Kind | None) -> dict[str, Any]:
        name = kind.name if kind is not None else _guessed(value)
        holder = f"value{name[:1].upper()}{name[1:]}"
        if holder in (elements_of("R4", "Extension") or {}) and not (kind is not None and name == "Meta"):
            return {holder: self._inner(value, name, name, name)}
        if isinstance(value, dict):
            inner = elements_of(self.edition, name) or {}
            return {"extension": [one for key, one in self._parts(value, inner)]}
        return {"valueString": value if isinstance(value, str) else made(str(_plain(value)), *_leaves(value))}

    def _parts(self, value: dict[str, Any], elements: Any) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for key, inner in value.items():
            for one in inner if isinstance(inner, list) else [inner]:
                if one is None:
                    continue
                if key in ("extension", "modifierExtension") and isinstance(one, dict):
                    found.append((key, self._extension(one)))
                elif not key.startswith("_"):
                    found.append((key, {"url": key, **self._content(one, elements.get(key))}))
        return found

    def _note(self, value: Any) -> None:
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                waiting += one.values()
            elif isinstance(one, list):
                waiting += one
            else:
                self.kept.update(id(leaf) for leaf in _leaves(one))


def _leaves(value: Any) -> list[Leaf]:
    if isinstance(value, Made):
        return [leaf for one in value.of for leaf in leaves_of(one)]
    return leaves_of(value) if isinstance(value, str) else []


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Made) else value


def _guessed(value: Any) -> str:
    plain = _plain(value)
    if isinstance(plain, bool):
        return "boolean"
    if isinstance(plain, int):
        return "integer"
    return "decimal" if isinstance(plain, Decimal) else "string" if isinstance(plain, str) else "object"


_QUANTITIES: Final = frozenset({"Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance", "Money"})
_TEXTS: Final = frozenset({"string", "markdown", "uri", "url", "canonical", "id", "oid", "uuid", "code"})
_NUMBERS: Final = frozenset({"integer", "positiveInt", "unsignedInt", "decimal"})


def _alike(old: str, new: str) -> bool:
    """Whether the values of two types look the same."""
    if old in _QUANTITIES and new in _QUANTITIES:
        return "Money" not in (old, new)
    if (
        {old, new} <= _TEXTS
        or {old, new} <= _NUMBERS
        or {old, new} == {"dateTime", "date"}
        or {old, new} == {"dateTime", "instant"}
    ):
        return True
    # Parts of resources are named after their paths: the resource may be called otherwise, the part too.
    return old[:1].isupper() and new[:1].isupper() and _is_part(old) and _is_part(new)


def _is_part(name: str) -> bool:
    """Whether a type is a part of a resource (``EncounterDiagnosis``), not a datatype or a resource."""
    known = next((found for one in ("R4", *OLDER) if (found := elements_of(one, name)) is not None), {})
    return (
        "modifierExtension" in known
        and "implicitRules" not in known
        and name not in ("Timing", "Dosage", "ElementDefinition")
    )
