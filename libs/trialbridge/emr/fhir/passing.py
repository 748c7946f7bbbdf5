"""A resource that was recognised as text (`forms`), and passes on as the bytes that it came in."""

from collections import defaultdict
from collections.abc import Set as AbstractSet

from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.fhir.forms import Recognised
from trialbridge.emr.fhir.good import Good
from trialbridge.emr.fhir.items import Item, Scope
from trialbridge.emr.fhir.links import Numbers, target_of
from trialbridge.emr.fhir.owners import patient_of_reference
from trialbridge.emr.fhir.shapes import SHAPES
from trialbridge.emr.held import Held
from trialbridge.emr.jsontext import decode
from trialbridge.emr.records import Resource


class Passing:
    """What `Good` is, without having been read."""

    __slots__ = ("base", "field", "form", "kind", "name", "references", "scope", "text", "url")

    searches = False
    """No form has a reference that is a search."""

    def __init__(self, text: bytes, found: Recognised, base: Place, field: str, scope: Scope, url: str) -> None:
        """Keep its text, what was found in it, and where it came from as `Item` does."""
        self.form, groups = found
        self.text = text
        self.references = groups[1:]
        self.base = base
        self.field = field
        self.scope = scope
        self.url = url
        self.kind = self.form.kind
        self.name = f"{self.kind}/{groups[0]}"

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

    def resolve(self, numbers: Numbers) -> None:
        """Make references by full URL relative ones; by search it has none."""
        del numbers
        if self.scope and not self.scope.keys().isdisjoint(self.references):
            for one in self.references:
                if one in self.scope:
                    self._point(one, self.scope[one])

    def unresolved(self, known: AbstractSet[str]) -> tuple[str, ...]:
        """Return the references that name nothing of ``known``; absolute ones into it become relative."""
        if not self.references or known >= {*self.references}:
            return ()
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
        # Reference is the only type that has this element as text; within a text its quotes would be escaped.
        named = b'"reference":"%s"'
        self.text = self.text.replace(named % reference.encode(), named % to.encode())
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
