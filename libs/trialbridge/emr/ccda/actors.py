"""Who took part: people, organizations and devices as resources of their own, each once in a document, by its identifiers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from trialbridge.contracts.errors import Poison
from trialbridge.emr.account import confirm, settle
from trialbridge.emr.ccda import codes, contacts, times
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.records import Resource

if TYPE_CHECKING:
    from trialbridge.emr.ccda.document import Document

MOST: Final = 50
"""Names, addresses or telecoms of one participant: more are kept where they were found."""
NPI: Final = "2.16.840.1.113883.4.6"
_PERSONS: Final = (
    "assignedPerson", "relatedPerson", "associatedPerson", "informationRecipient", "guardianPerson", "playingEntity",
)  # fmt: skip
_ORGANIZATIONS: Final = (
    "representedOrganization", "scopingOrganization", "receivedOrganization", "representedCustodianOrganization",
    "providerOrganization", "scopingEntity",
)  # fmt: skip
_DEVICE_NAMES: Final = (("model-name", "manufacturerModelName"), ("user-friendly-name", "softwareName"))
Reference = dict[str, str]


class Actors:
    """The participants of one document; the same one met again adds what was not known."""

    def __init__(self, document: "Document") -> None:
        """Begin with nobody."""
        self._document = document
        self._known: dict[tuple[str, str], Resource] = {}
        self._met: dict[tuple[bool, int], tuple[Reference | None, list[tuple[str, ...]]]] = {}
        """Roles met before, word for word: whom they mean, and where each of their leaves went."""

    def resources(self) -> Iterator[Resource]:
        """Yield all who took part, in plain values."""
        yield from self._known.values()

    def of(self, role: Node, *, alone: bool = True) -> Reference | None:
        """Return a reference to who acts in an assigned role; None where nothing says who.

        ``alone`` allows a device; some elements of FHIR take people and organizations only.
        """
        key = alone, role.mark
        leaves = role.leaves()
        known = self._met.get(key)
        if known is None:
            found = self._of(role, alone=alone)
            self._met[key] = found, [one.where for one in leaves]
            return found
        for one, where in zip(leaves, known[1], strict=True):
            if where:
                one.fate, one.where = "mapped", where
        return known[0]

    def _of(self, role: Node, *, alone: bool) -> Reference | None:
        device = role.one("assignedAuthoringDevice")
        if device is not None:
            return self._device(role, device) if alone else None
        organization = next((self.organization(one) for name in _ORGANIZATIONS for one in role.all(name)), None)
        person = self._person(role)
        if person is None:
            return organization
        return self._in_role(role, person, organization)

    def organization(self, node: Node) -> Reference | None:
        """Return a reference to an organization, None where it has neither identifier nor name."""
        ids, names = node.all("id"), [one.text for one in node.all("name") if one.text]
        key = contacts.key_of(ids)
        if key is None and not names:
            return None
        found: Resource = {"identifier": contacts.identifiers(ids)}
        if names:
            found["name"] = names[0]
        if names[1:]:
            found["alias"] = names[1:]
        kind = node.one("standardIndustryClassCode")
        concept = codes.concept(kind, self._document) if kind is not None else None
        if concept is not None:
            found["type"] = [concept]
        found |= contacts.contacts(node, self._document)
        return self._add("Organization", key or ("name", str(names[0])), found)

    def location(self, node: Node) -> Reference | None:
        """Return a reference to a healthCareFacility or service delivery location."""
        place = node.one("location") or node.one("playingEntity")
        names = [one.text for one in place.all("name") if one.text] if place is not None else []
        key = contacts.key_of(node.all("id"))
        found: Resource = {"identifier": contacts.identifiers(node.all("id"))}
        if names:
            found["name"] = names[0]
        code = node.one("code")
        concept = codes.concept(code, self._document) if code is not None else None
        if concept is not None:
            found["type"] = [concept]
        details = contacts.contacts(node, self._document) | (contacts.contacts(place, self._document) if place else {})
        if details.get("address"):
            found["address"] = details["address"][0]
        if details.get("telecom"):
            found["telecom"] = details["telecom"]
        provider = node.one("serviceProviderOrganization")
        managing = self.organization(provider) if provider is not None else None
        if managing is not None:
            found["managingOrganization"] = managing
        if key is None and not names and concept is None:
            return None
        return self._add("Location", key or ("name", str(names[0]) if names else _words(concept)), found)

    def related(self, role: Node, relation: dict[str, Any] | None, time: Node | None = None) -> Reference | None:
        """Return a reference to somebody who is the patient's: a RelatedPerson."""
        names = [one for name in _PERSONS for one in contacts.names_of(role.one(name), self._document)]
        key = contacts.key_of(role.all("id"))
        if key is None and not names:
            return None
        code = role.one("code")
        concepts = [relation, codes.concept(code, self._document) if code is not None else None]
        found: Resource = {"patient": self._document.subject(), "identifier": contacts.identifiers(role.all("id"))}
        relations = [one for one in concepts if one]
        if relations:
            found["relationship"] = relations
        found |= {"name": names} if names else {}
        period = times.period(time, self._document) if time is not None else None
        found |= {"period": period} if period is not None else {}
        found |= contacts.contacts(role, self._document)
        named = (key or ("name", _words(names[0]))) if names or key else ("", "")
        return self._add(
            "RelatedPerson", (f"{self._document.local} {named[0]}", f"{named[1]} {_words(relation)}"), found
        )

    def _person(self, role: Node) -> Reference | None:
        names = [one for name in _PERSONS for one in contacts.names_of(role.one(name), self._document)]
        ids = sorted(role.all("id"), key=lambda one: one.get("root") != NPI)
        key = contacts.key_of(ids)
        if key is None and not names:
            return None
        found: Resource = {"identifier": contacts.identifiers(role.all("id"))}
        found |= {"name": names} if names else {}
        found |= contacts.contacts(role, self._document)
        return self._add("Practitioner", key or ("name", _words(names[0])), found)

    def _in_role(self, role: Node, person: Reference, organization: Reference | None) -> Reference:
        code = role.one("code")
        specialty = codes.concept(code, self._document) if code is not None else None
        if specialty is None and organization is None:
            return person
        found: Resource = {"practitioner": person}
        if organization is not None:
            found["organization"] = organization
        if specialty is not None:
            found["specialty"] = [specialty]
        key = (person["reference"], organization["reference"] if organization else _words(specialty))
        return self._add("PractitionerRole", key, found) or person

    def _device(self, role: Node, device: Node) -> Reference | None:
        names = [(kind, one.text) for kind, name in _DEVICE_NAMES for one in device.all(name) if one.text]
        key = contacts.key_of(role.all("id"))
        if key is None and not names:
            return None
        found: Resource = {"identifier": contacts.identifiers(role.all("id"))}
        if names:
            found["deviceName"] = [{"name": text, "type": kind} for kind, text in names]
        owners = [self.organization(one) for one in role.all("representedOrganization")]
        if owners and owners[0] is not None:
            found["owner"] = owners[0]
        details = contacts.contacts(role, self._document)
        if details.get("telecom"):
            found["contact"] = details["telecom"]
        return self._add("Device", key or ("name", " ".join(str(text) for _, text in names)), found)

    def _add(self, kind: str, key: tuple[str, str], content: Resource) -> Reference | None:
        identity = self._document.id_of(kind, *key)
        filled = {name: value for name, value in content.items() if value}
        plain, found = settle({"resourceType": kind, "id": identity, "meta": self._document.stamp, **filled})
        known = self._known.get((kind, identity))
        joined = plain if known is None else _joined(known, plain)
        if joined != known:
            try:
                check(joined, self._document.place(self._document.root))
            except Poison as error:
                self._document.wrong.append(error)
                return None
            self._known[kind, identity] = joined
        told = {f"{kind}.{key}" for key, value in plain.items() if _holds(joined, key, value)}
        confirm([one for one in found if ".".join(one[1].split(".", 2)[:2]) in told])
        return {"reference": f"{kind}/{identity}"}


def _words(value: Any) -> str:
    """Return the text of a concept or name, to tell those apart that have no identifier."""
    if isinstance(value, dict):
        return " ".join(_words(one) for key, one in value.items() if key not in ("use", "extension") and key[0] != "_")
    return " ".join(_words(one) for one in value) if isinstance(value, list) else str(value or "")


def _holds(joined: Resource, key: str, value: Any) -> bool:
    """Whether somebody's resource holds a value: two places may contradict each other, the first one stays."""
    if isinstance(value, list):
        return len(joined[key]) < MOST or all(one in joined[key] for one in value)
    return joined[key] == value or (key == "name" and value in joined.get("alias", ()))


def _joined(known: Resource, more: Resource) -> Resource:
    """Return what is known of somebody with what another place adds; a second name of an organization is an alias."""
    found = dict(known)
    for key, value in more.items():
        if key not in found:
            found[key] = value
        elif isinstance(value, list) and len(found[key]) < MOST:
            found[key] = [*found[key], *(one for one in value if one not in found[key])]
        elif key == "name" and value != found[key] and value not in found.get("alias", ()):
            found["alias"] = [*found.get("alias", ()), value]
    return found
