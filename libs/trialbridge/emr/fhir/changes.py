"""What the rules of `tables/fhir_changes.tsv` do with an element; what no rule is about keeps its name and is fitted to R4's type."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from trialbridge.emr.account import Leaf, Made, leaves_of, made
from trialbridge.emr.fhir.elements import Elements, Kind

_NONE: Final[Elements] = {}


class Work(Protocol):
    """The resource on its way to R4, as its objects ask it."""

    @property
    def implied(self) -> list[Leaf]:
        """Leaves that say what is understood anyway."""

    def element(self, kind: str, name: str) -> Kind | None:
        """Return an element of a type of the resource's edition, None where it has none."""

    def extension(self, name: str, value: Any, kind: Kind | None, path: str) -> dict[str, Any]:
        """Return what R4 has no element for as an extension; its leaves count as kept."""

    def fitted(self, value: Any, old: Kind, new: Kind, path: str) -> tuple[list[Any], list[Any]]:
        """Return the values of an element as values of R4, and what of them has no place in it."""

    def whole(self, value: Any, kind: Kind) -> Any:
        """Return a value whose type has the same name in R4."""


class Change:
    """One object while its elements find their places."""

    def __init__(
        self, work: Work, value: dict[str, Any], elements: Elements, target: Elements | None, path: str
    ) -> None:
        """Begin with an empty object of R4."""
        self.work = work
        self.value = value
        self.elements = elements
        self.path = path
        self.out: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        """What stands in the end, whatever else was put there."""
        self._target = target if target is not None else _NONE

    def put(self, base: str, target: str) -> bool:
        """Put an element where R4 has it under the name ``target``; keep it where R4 has no such element."""
        if target not in self._target or base not in self.elements:
            return self.keep(base)
        if base in self.value:
            self.put_value(base, self.value[base], target, self.elements[base])
        beside = self.value.get(f"_{base}")
        if beside is not None:
            self._put_beside(base, beside, target)
        return True

    def put_value(self, base: str, value: Any, target: str, old: Kind) -> None:
        """Put a value under the name ``target``; what of it does not fit is kept."""
        new = self._target.get(target)
        if new is None:
            self.keep_value(base, value, old)
            return
        values, rest = self.work.fitted(value, old, new, f"{self.path}.{base}")
        if new.several and values:
            self.out[target] = [*self.out.get(target, ()), *values]
        elif values and target not in self.out:
            self.out[target] = values[0]
        else:
            rest = [*values, *rest]
        for one in rest:
            self.keep_value(base, one, old)

    def _put_beside(self, base: str, beside: Any, target: str) -> None:
        """Put the extensions of a plain value beside it, under the other name."""
        new = self._target[target]
        if not new.is_primitive:
            for one in beside if isinstance(beside, list) else [beside]:
                if isinstance(one, dict):
                    self.keep_value(base, one, Kind("Element", several=False))
            return
        if new.several and not isinstance(beside, list):
            beside = [beside]
        elif not new.several and isinstance(beside, list):
            beside = next((one for one in beside if one is not None), None)
        if beside is not None:
            self.out[f"_{target}"] = beside

    def keep(self, base: str) -> bool:
        """Keep an element in extensions, its own extensions with it."""
        old = self.elements.get(base)
        if base in self.value:
            self.keep_value(base, self.value[base], old)
        beside = self.value.get(f"_{base}")
        for one in beside if isinstance(beside, list) else [beside]:
            if isinstance(one, dict):
                self.keep_value(base, one, Kind("Element", several=False))
        return True

    def keep_value(self, base: str, value: Any, old: Kind | None) -> None:
        """Keep one value, or each of a list, in an extension."""
        for one in value if isinstance(value, list) else [value]:
            if one is not None and one not in ({}, []):
                self.out.setdefault("extension", []).append(self.work.extension(base, one, old, self.path))

    def default(self, name: str, argument: str) -> None:
        """Put what R4 requires and the other edition does not have."""
        self.out[name] = msgspec.json.decode(argument)

    def target(self, name: str) -> Kind | None:
        """Return an element of R4's type, None where it has none."""
        return self._target.get(name)

    def imply(self, value: Any) -> None:
        """Note that a value only says what is understood, or what its new place says."""
        sources = value.of if isinstance(value, Made) else (value,)
        self.work.implied.extend(leaf for one in sources for leaf in leaves_of(one))

    def finished(self) -> dict[str, Any]:
        """Return the object."""
        self.out.update(self.last)
        return self.out


Action = Callable[[Change, str, str], bool]
"""Does what a rule says about an element; False where the rule is not about this value."""


def _name(change: Change, base: str, argument: str) -> bool:
    return change.put(base, argument)


def _pairs(argument: str) -> dict[str, str]:
    return dict(one.split("=", 1) for one in argument.split() if "=" in one)


def _word(value: Any) -> str:
    plain = value.value if isinstance(value, Made) else value
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def _concept(change: Change, base: str, argument: str) -> bool:
    """A code becomes a concept of a code system; ``-`` keeps it."""
    system, *others = argument.split()
    code = change.value.get(base)
    only = next((one[1:].split(",") for one in others if one.startswith("+")), None)
    if not isinstance(code, str) or (only is not None and code not in only):
        return False
    word = _pairs(argument).get(code)
    if word == "-":
        return change.keep(base)
    target = next((one for one in others if one.isalpha()), base)
    coding = {"system": made(system, code), "code": made(word, code) if word is not None else code}
    change.put_value(base, {"coding": [coding]}, target, Kind("CodeableConcept", several=False))
    return True


def _coding(change: Change, base: str, argument: str) -> bool:
    """A code becomes a coding of a code system, perhaps by another code; ``-`` keeps it."""
    system, *_ = argument.split()
    code = change.value.get(base)
    if not isinstance(code, str):
        return False
    word = _pairs(argument).get(code)
    if word == "-":
        return change.keep(base)
    coding = {"system": made(system, code), "code": made(word, code) if word is not None else code}
    change.put_value(base, coding, base, Kind("Coding", several=False))
    return True


def _codes(change: Change, base: str, argument: str) -> bool:
    """A code becomes another one, ``-`` keeps it; ``target:`` may come first."""
    target = next((one[:-1] for one in argument.split() if one.endswith(":")), base)
    given = change.value.get(base)
    other = _pairs(argument).get(_word(given)) if given is not None else None
    if other is None:
        return change.put(base, target)
    if other == "-":
        return change.keep(base)
    sources = given.of if isinstance(given, Made) else (given,)
    change.put_value(base, made(other, *sources), target, Kind("code", several=False))
    return True


def _into(change: Change, base: str, argument: str) -> bool:
    """A value becomes an object that holds it under the name ``part``."""
    part, _, target = argument.partition(" ")
    given = change.value.get(base)
    new = change.target(target or base)
    if given is None or new is None:
        return False
    for one in given if isinstance(given, list) else [given]:
        change.put_value(base, {part: one}, target or base, Kind(new.name, several=False))
    return True


def _under(change: Change, base: str, argument: str) -> bool:
    """A value goes into the first object of another element, which is made where there is none."""
    target, _, part = argument.partition(" ")
    new = change.target(target)
    old = change.elements.get(base)
    if base not in change.value or new is None or old is None:
        return False
    held = change.out.get(target)
    if held is None:
        held = change.out[target] = [{}] if new.several else {}
    first = held[0] if isinstance(held, list) else held
    first[part or base] = change.work.whole(change.value[base], old)
    return True


def _sort(change: Change, base: str, argument: str) -> bool:
    """Objects go where one of their codes says, and only a part of them; any other is kept."""
    part, by, *_ = argument.split()
    places = _pairs(argument)
    old = change.elements.get(base)
    inner = change.work.element(old.name, part) if old is not None else None
    given = change.value.get(base)
    if inner is None or not isinstance(given, list):
        return False
    for one in given:
        target = places.get(str(one.get(by))) if isinstance(one, dict) and part in one else None
        if target is None:
            change.keep_value(base, one, old)
            continue
        change.put_value(base, one[part], target, inner)
        rest = {name: inside for name, inside in one.items() if name not in (part, by)}
        change.imply(one[by])
        change.keep_value(base, rest, old)
    return True


def _strip(change: Change, base: str, argument: str) -> bool:
    """A text loses its beginning, which its type says now."""
    given = change.value.get(base)
    if not isinstance(given, str) or not given.startswith(argument):
        return False
    change.put_value(base, made(given.removeprefix(argument), given), base, Kind("string", several=False))
    return True


def _part(change: Change, base: str, argument: str) -> bool:
    """A part of an object takes its place; the rest of the object is kept."""
    part, _, target = argument.partition(" ")
    old = change.elements.get(base)
    given = change.value.get(base)
    inner = change.work.element(old.name, part) if old is not None else None
    if inner is None or given is None:
        return False
    for one in given if isinstance(given, list) else [given]:
        if not isinstance(one, dict) or part not in one:
            change.keep_value(base, one, old)
            continue
        change.put_value(base, one[part], target or base, inner)
        change.keep_value(base, {name: rest for name, rest in one.items() if name != part}, old)
    return True


def _by_type(change: Change, base: str, argument: str) -> bool:
    """A reference goes where its type says: the first name is for any other, ``-`` keeps it."""
    usual, *others = argument.split()
    given = change.value.get(base)
    reference = given.get("reference") if isinstance(given, dict) else None
    kind = str(reference).rstrip("/").split("/")[-2:-1]
    places = dict(one.split("=", 1) for one in others)
    target = places.get(kind[0] if kind else "", usual)
    return change.keep(base) if target == "-" else change.put(base, target)


def _two(change: Change, base: str, argument: str) -> bool:
    """Each concept goes to the first name, each reference to the second (CodeableReference, or a ``part`` that is one)."""
    concept, reference, *part = argument.split()
    given = change.value.get(base)
    old = change.elements.get(base)
    for one in given if isinstance(given, list) else [given]:
        if not isinstance(one, dict):
            return False
        rest = {name: inner for name, inner in one.items() if name not in ("concept", "reference", *part)}
        inside = one.get(part[0]) if part else one
        for each in inside if isinstance(inside, list) else [inside]:
            if isinstance(each, dict) and "concept" in each:
                change.put_value(base, each["concept"], concept, Kind("CodeableConcept", several=False))
            if isinstance(each, dict) and "reference" in each:
                change.put_value(base, each["reference"], reference, Kind("Reference", several=False))
        change.keep_value(base, rest, old)
    return True


def _true(change: Change, base: str, argument: str) -> bool:
    """A truth value sets another element where it is true; where it is false it says what is understood."""
    given = change.value.get(base)
    setting, *words = argument.split()
    name, _, code = setting.partition("=")
    yes, no = words or ("true", "false")
    sources = given.of if isinstance(given, Made) else (given,)
    if given is not None and _word(given) == yes:
        change.last[name] = made(code, *sources, change.value.get(name))
    elif given is not None and _word(given) == no:
        change.imply(given)
    else:
        return False
    return True


def _note(change: Change, base: str, argument: str) -> bool:
    """A text becomes an annotation, or a concept that has only a text."""
    given = change.value.get(base)
    target, _, kind = argument.partition(" ")
    for one in given if isinstance(given, list) else [given]:
        if not isinstance(one, str):
            return False
        change.put_value(base, {"text": one}, target, Kind(kind or "Annotation", several=False))
    return True


def _join(change: Change, base: str, argument: str) -> bool:
    """Several texts become one."""
    given = change.value.get(base)
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        return False
    text = given[0] if len(given) == 1 else made(" ".join(given), *given)
    change.put_value(base, text, argument or base, Kind("string", several=False))
    beside = change.value.get(f"_{base}")
    if beside is not None:
        change.keep_value(base, beside, Kind("Element", several=False))
    return True


def _later(change: Change, base: str, argument: str) -> bool:
    del change, base, argument
    return False


ACTIONS: Final[Mapping[str, Action]] = {
    "by-type": _by_type,
    "codes": _codes,
    "coding": _coding,
    "concept": _concept,
    "default": _later,
    "into": _into,
    "join": _join,
    "name": _name,
    "note": _note,
    "part": _part,
    "resource": _later,
    "sort": _sort,
    "strip": _strip,
    "true": _true,
    "two": _two,
    "under": _under,
}
