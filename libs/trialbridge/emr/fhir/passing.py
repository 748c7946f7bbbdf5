"""A resource that was recognised as text (`forms`), and passes on as the bytes that it came in."""

from collections import defaultdict
from typing import Final

from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.fhir.forms import Recognised
from trialbridge.emr.fhir.good import Good
from trialbridge.emr.fhir.items import Item, Scope
from trialbridge.emr.fhir.links import target_of
from trialbridge.emr.fhir.owners import patient_of_reference
from trialbridge.emr.fhir.shapes import SHAPES
from trialbridge.emr.held import Held
from trialbridge.emr.jsontext import decode
from trialbridge.emr.records import Resource

_NO_SCOPE: Final[Scope] = {}
"""Of what has no full URL, and writes nothing there."""


_NAMED: Final = b'"reference":"%s"'
"""Reference is the only type that has this element as text; within a text its quotes would be escaped."""
Swaps = dict[str, tuple[bytes, bytes, str]]
"""What to look for and what to put there, by the reference that is changed."""


class Passing:
    """What `Good` is, without having been read."""

    __slots__ = ("base", "form", "kind", "name", "number", "references", "scope", "start", "text", "url")

    def __init__(
        self,
        text: bytes,
        found: Recognised,
        base: Place,
        start: str = "",
        number: int = 0,
        scope: Scope = _NO_SCOPE,
        url: str = "",
    ) -> None:
        """Keep its text, what was found in it, and where it came from: as `Item` does, or by the number of an entry in a list."""
        self.form, groups = found
        self.text = text
        self.references = groups[1:]
        self.base = base
        self.start = start
        self.number = number
        self.scope = scope
        self.url = url
        self.kind = self.form.kind
        self.name = f"{self.kind}/{groups[0]}"

    @property
    def field(self) -> str:
        """Where it stands in its document, empty for the whole."""
        return f"{self.start}{self.number}].resource" if self.start else ""

    @property
    def resource(self) -> Resource:
        """The resource, read anew each time."""
        found: Resource = decode(self.text, self.base)
        return found

    @property
    def has_link(self) -> bool:
        """Whether it is a Patient that names other ones."""
        return self.form.has_link

    def patient(self) -> LocalPatientId | None:
        """Return the patient that it names itself, None where it names none."""
        if self.kind == "Patient":
            return LocalPatientId(self.name[8:])
        for one in self.form.owners:
            reference = self.references[one]
            # A form's relative references have no version.
            found = reference[8:] if reference.startswith("Patient/") else patient_of_reference(reference)
            if found is not None:
                return LocalPatientId(found)
        return None

    def resolve(self, swaps: Swaps) -> None:
        """Make references by full URL relative ones; by search it has none. ``swaps`` is what was done for others before."""
        scope = self.scope
        for one in dict.fromkeys(self.references):
            to = scope.get(one)
            if to is None:
                continue
            if to in scope:  # it is itself to be another one's: as they come
                self._point(one, to)
                continue
            swap = swaps.get(one)
            if swap is None or swap[2] is not to:
                swap = swaps[one] = (_NAMED % one.encode(), _NAMED % to.encode(), to)
            self.text = self.text.replace(swap[0], swap[1])
            self.references = tuple([to if each == one else each for each in self.references])

    def unresolved(self, known: set[str]) -> tuple[str, ...]:
        """Return the references that name nothing of ``known``; absolute ones into it become relative."""
        away = []
        for one in self.references:
            # A relative one begins with its type, and is its own target.
            target = one if one[0].isupper() else target_of(one)
            if target is None or target not in known:
                away.append(one)
            elif target != one:
                self._point(one, one[one.index(target) :])
        return tuple(away)

    def _point(self, reference: str, to: str) -> None:
        """Let all that refers to something refer to it by another name."""
        self.text = self.text.replace(_NAMED % reference.encode(), _NAMED % to.encode())
        self.references = tuple([to if one == reference else one for one in self.references])

    def held(self) -> Held:
        """Return it as a conversion holds it."""
        return Held.of_text(self.text, has_medication=self.form.has_medication)

    def opened(self) -> Good:
        """Return it read."""
        resource = self.resource
        good = Good(resource, Item(resource, self.base, self.field, self.scope, self.url), None)
        good.holders = SHAPES.walk(resource, defaultdict(int))
        return good
