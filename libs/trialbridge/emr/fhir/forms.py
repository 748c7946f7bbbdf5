"""Resources that are recognised as JSON text, without being read: those whose elements, all the way down, came often before.

A form is one whole structure of a resource as one pattern: element names as they stand, and for each value the spellings that its
datatype nearly always has. It is learnt from a resource that passed the schema's checks. Text that a form matches is sound R4, and
written just as a conversion writes it, so that it passes on as the bytes it came in. Whatever no form matches is read and checked:
forms never refuse anything.
"""

import re
from collections import Counter
from typing import Any, Final

from trialbridge.emr.fhir.grammar import Element, Type, inner_type, type_of
from trialbridge.emr.fhir.owners import path_to_patient
from trialbridge.emr.fhir.spellings import ID, pattern_of
from trialbridge.emr.jsontext import encode, is_spaced
from trialbridge.emr.records import Resource

MOST_FORMS: Final = 1_000
"""Forms that are remembered; each takes some 20 kB."""
MOST_ALIKE: Final = 4
"""Forms of the same outline."""
MOST_OUTLINES: Final = 20_000
"""Outlines that are counted."""
OFTEN: Final = 16
"""How often an outline must have come before its form is learnt."""
BETWEEN: Final = 250
"""Resources for which one form may be learnt on the average: that takes as long as reading so many."""
AT_FIRST: Final = 100
"""Forms that may be learnt before that."""
LARGEST: Final = 32_768
"""Bytes of JSON that a form may be made of."""
_DEEPEST: Final = 20
_OUTLINE: Final = bytes(one for one in range(256) if one not in b'{}[]"')
"""What is no part of an outline."""


class Form:
    """One structure of a resource; counts as what its leaves are mapped to (`account.Same`)."""

    __slots__ = ("find", "has_link", "has_medication", "kind", "owners", "paths")

    def __init__(self, resource: Resource) -> None:
        """Learn it; raise ValueError where the structure is none that can be recognised."""
        parts = _Parts(path_to_patient(resource["resourceType"]))
        kind: str = resource["resourceType"]
        pattern = parts.object(resource, type_of(kind), kind, ())
        self.find = re.compile(pattern).fullmatch
        self.kind = kind
        self.paths = tuple(parts.paths)
        self.owners = tuple(parts.owners)
        """Which of the references are to the patient."""
        self.has_medication = "medicationReference" in resource
        self.has_link = self.kind == "Patient" and "link" in resource


Recognised = tuple[Form, tuple[str, ...]]
"""The form of a resource, with its id and its references."""


class _Parts:
    """The parts of a pattern while it is made."""

    def __init__(self, to_patient: tuple[str, ...]) -> None:
        """Begin with none; ``to_patient`` are the steps to the reference that says whose the resource is."""
        self.paths: list[str] = []
        self.owners: list[int] = []
        self._references: int | None = None
        """How many there were so far; None before the id, which is the first group of the pattern."""
        self._to_patient = to_patient
        self._inside: set[str] = set()
        """Ids of contained resources; these, and references to them, must be the very same."""

    def object(self, value: Any, of: Type, path: str, steps: tuple[str, ...]) -> str:
        """Return the pattern of an object."""
        if len(steps) > _DEEPEST or (of.is_bound and not value.keys() >= {"system", "code"}):
            raise ValueError(path)
        members = (self._member(name, inner, of.elements[name], path, steps) for name, inner in value.items())
        return r"\{" + ",".join(members) + r"\}"

    def _member(self, name: str, value: Any, element: Element, path: str, steps: tuple[str, ...]) -> str:
        below, further = f"{path}.{name}", (*steps, name)
        if further == ("id",):
            self._references = 0
            self.paths.append(below)
            return f'"id":"({ID})"'
        if further == ("contained",):
            found = r"\[" + ",".join(self._contained(one, f"{below}.{one['resourceType']}") for one in value) + r"\]"
        elif element.is_list:
            found = r"\[" + ",".join(self._value(one, element, below, further) for one in value) + r"\]"
        else:
            found = self._value(value, element, below, further)
        return f'"{name}":{found}'

    def _contained(self, value: Any, path: str) -> str:
        self._inside.add(value["id"])
        return self.object(value, type_of(value["resourceType"]), path, ("contained",))

    def _value(self, value: Any, element: Element, path: str, steps: tuple[str, ...]) -> str:
        if value is None:
            raise ValueError(path)
        if element.is_object:
            return self.object(value, inner_type(element), path, steps)
        self.paths.append(path)
        if steps == ("contained", "id") or (element.kind == "reference" and value[1:] in self._inside):
            return re.escape(encode(value).decode())
        pattern = pattern_of(element, value)
        if pattern is None:
            raise ValueError(path)
        if element.kind == "reference":
            if self._references is None:
                raise ValueError(path)
            if steps[:-1] == self._to_patient:
                self.owners.append(self._references)
            self._references += 1
        return pattern


class Forms:
    """The forms that were learnt; one set for the process."""

    def __init__(self, often: int = OFTEN, at_first: int = AT_FIRST) -> None:
        """Begin with none."""
        self._often = often
        self._at_first = at_first
        self._forms: dict[bytes, list[Form]] = {}
        self._seen: Counter[bytes] = Counter()
        self._count = 0
        self._read = 0

    def find(self, text: bytes) -> Recognised | None:
        """Return what is recognised in a resource's JSON, None where it must be read."""
        forms = self._forms.get(text.translate(None, _OUTLINE))
        if forms is None:
            return None
        try:
            words = text.decode()
        except UnicodeDecodeError:
            return None
        for form in forms:
            match = form.find(words)
            if match is not None:
                return form, match.groups()
        return None

    def learn(self, text: bytes, resource: Resource) -> None:
        """Take note of a resource that passed the checks as it is in ``text``; learn its form where it comes often."""
        self._read += 1
        if len(text) > LARGEST or is_spaced(text):
            return
        outline = text.translate(None, _OUTLINE)
        if len(self._seen) >= MOST_OUTLINES:
            self._seen.clear()
        self._seen[outline] += 1
        if self._seen[outline] < self._often or self._count >= min(MOST_FORMS, self._at_first + self._read // BETWEEN):
            return
        self._seen[outline] = 0
        if encode(resource) != text:
            return  # there are blanks in it, for example
        # Whether it comes to anything or not, that was one attempt.
        self._count += 1
        alike = self._forms.get(outline, [])
        try:
            form = Form(resource)
            words = text.decode()
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        if form.find(words) is not None:
            # The latest comes first: one that was not found among those before.
            self._forms[outline] = [form, *alike][:MOST_ALIKE]


FORMS: Final = Forms()
