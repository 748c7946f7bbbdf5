"""Who took part and where: people, organizations, places and devices as resources of their own, by their identifiers."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.again import LASTING, Again, Meeting, lasting, meeting
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.people import PERSON, person
from trialbridge.emr.hl7v2.ready import Ready, leaves_of
from trialbridge.emr.hl7v2.state import State, usual_words, words
from trialbridge.emr.records import Resource

Reference = dict[str, Any]
Json = dict[str, Any]
_LEVELS: Final = ((4, "si"), (7, "bu"), (8, "lvl"), (1, "wa"), (2, "ro"), (3, "bd"))
"""Components of a PL from the site down to the bed, with their codes of location-physical-type."""
_PHYSICAL: Final = f"{values.TERMS}location-physical-type"
_LONGEST: Final = 200
"""Of words that are remembered from one conversion to the next."""
_NDL: Final = ((7, "si"), (10, "bu"), (11, "lvl"), (4, "wa"), (5, "ro"), (6, "bd"))


class Actors:
    """The participants of one message; the same one met again adds what was not known."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.variants: dict[tuple[str, str], list[Resource | Again]] = {}
        """What each place of the message says of somebody, by resource type and id."""
        self.twins: list[tuple[Rep, Rep]] = []
        """Repetitions that say word for word what an earlier one says, behind that one."""
        self._told: list[tuple[str, str, Resource]] = []
        self._met: dict[tuple[str, str], tuple[Reference | None, Rep]] = {}

    def add(self, kind: str, reading: State, key: tuple[str, ...], content: Json) -> Reference:
        """Return a reference to somebody, who is the same for the same key."""
        identity = reading.id_of(kind, *key)
        found = {name: value for name, value in content.items() if value}
        one: Resource = {"resourceType": kind, "id": identity, **found}
        if type(content) is Ready:
            one = Ready(one)
            one.of = content.of
        self.variants.setdefault((kind, identity), []).append(one)
        self._told.append((kind, identity, one))
        return {"reference": f"{kind}/{identity}"}

    def _once(self, how: str, rep: Rep, reading: State) -> tuple[bool, Reference | None]:
        """Return whether the same words were met before, and whom they mean."""
        known = self._met.get((how, usual_words(rep) if reading.remembers else words(rep)))
        if known is None:
            return False, None
        self.twins.append((known[1], rep))
        return True, known[0]

    def _meet(self, how: str, rep: Rep, found: Reference | None, reading: State) -> Reference | None:
        self._met[how, usual_words(rep) if reading.remembers else words(rep)] = found, rep
        return found

    def _read(
        self, how: str, rep: Rep, reading: State, make: Callable[[Rep, State], Reference | None]
    ) -> Reference | None:
        """Return whom words mean, as ``make`` reads them or as another message of the conversion said it."""
        lasts = reading.remembers and how in LASTING and len(rep.raw) <= _LONGEST
        memory = lasting if lasts else reading.warnings.memory
        key = how, reading.feed.source, reading.zone, tuple([tuple(subs) for subs in rep.parts])
        leaves = leaves_of(rep)
        known: Meeting | None = memory.get(key)
        if known is not None:
            for who, one in known.told:
                self.variants.setdefault(who, []).append(Again(one, leaves))
            return None if known.found is None else dict(known.found)
        before = reading.noted()
        first = len(self._told)
        found = make(rep, reading)
        if before == reading.noted():
            told = meeting(found, leaves, self._told[first:])
            if told is not None:
                memory.keep(key, told)
        return found

    def practitioner(self, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the person of an XCN, None where nothing says who."""
        met, known = self._once("XCN", rep, reading)
        if met:
            return known
        if rep.is_loose or not reading.remembers:
            return self._meet("XCN", rep, self._read("XCN", rep, reading, self._person), reading)
        content = PERSON.read(rep, reading)
        found = self.add("Practitioner", reading, key_of(content), content) if content else None
        return self._meet("XCN", rep, found, reading)

    def _person(self, rep: Rep, reading: State) -> Reference | None:
        content = person(rep, reading)
        return self.add("Practitioner", reading, key_of(content), content) if content else None

    def organization(self, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the organization of an XON, None where it has neither name nor identifier."""
        met, known = self._once("XON", rep, reading)
        if met:
            return known
        return self._meet("XON", rep, self._read("XON", rep, reading, self._organization), reading)

    def _organization(self, rep: Rep, reading: State) -> Reference | None:
        content = organization(rep)
        return self.add("Organization", reading, key_of(content), content) if content else None

    def holder(self, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the organization of an HD."""
        return self._read("HD Organization", rep, reading, partial(self._of_hd, "Organization"))

    def device(self, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the device of an HD."""
        return self._read("HD Device", rep, reading, partial(self._of_hd, "Device"))

    def site(self, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the place of an HD."""
        return self._read("HD Location", rep, reading, partial(self._of_hd, "Location"))

    def _of_hd(self, kind: str, rep: Rep, reading: State) -> Reference | None:
        name, identity, how = rep.get(1), rep.get(2), rep.get(3)
        uri = values.universal("", identity, how)
        identifiers: list[Json] = [{"system": "urn:ietf:rfc:3986", "value": uri}] if uri is not None else []
        if identity and uri is None:
            identifiers.append({"value": identity, **({"type": {"text": how}} if how else {})})
        if not name and not identifiers:
            return None
        content: Json = {"identifier": identifiers}
        if name:
            content |= {"deviceName": [{"name": name, "type": "other"}]} if kind == "Device" else {"name": name}
        key = ("urn:ietf:rfc:3986", str(uri)) if uri is not None else ("name", str(name or identity))
        return self.add(kind, reading, key, content)

    def coded(self, kind: str, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the organization or device that a CWE names."""
        code, name, system = rep.get(1), rep.get(2) or rep.get(9), rep.get(3)
        if not code and not name:
            return None
        content: Json = {}
        if code:
            uri = values.system_of(system) or values.local_system(system)
            content["identifier"] = [{**({"system": made(uri, system)} if system else {}), "value": code}]
        if kind == "Device":
            more = [one for one in (name, rep.get(5)) if one]
            content["deviceName"] = [{"name": one, "type": "other"} for one in more]
            if rep.get(4):
                other = rep.get(6)
                where = {"system": made(values.system_of(other) or values.local_system(other), other)} if other else {}
                content.setdefault("identifier", []).append({**where, "value": rep.get(4)})
        elif name or code:
            content["name"] = name or code
        return self.add(kind, reading, (str(system), str(code)) if code else ("name", str(name)), content)

    def entity_device(self, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the device of an EI."""
        found = values.entity(rep)
        if found is None:
            issuer = values.party(rep.get(2), rep.get(3), rep.get(4))
            if issuer is None:
                return None
            content = {"identifier": [{"assigner": issuer}]}
            return self.add("Device", reading, ("issuer", _all(issuer)), content)
        return self.add("Device", reading, (str(found.get("system", "")), str(found["value"])), {"identifier": [found]})

    def location(self, rep: Rep, reading: State, levels: tuple[tuple[int, str], ...] = _LEVELS) -> Reference | None:
        """Return a reference to the innermost place of a PL; each level around it is a place of its own."""
        met, known = self._once("PL", rep, reading) if levels is _LEVELS else (False, None)
        if met:
            return known
        if levels is not _LEVELS:
            return self._levels(rep, reading, levels)
        return self._meet("PL", rep, self._read("PL", rep, reading, partial(self._levels, levels=levels)), reading)

    def _levels(self, rep: Rep, reading: State, levels: tuple[tuple[int, str], ...]) -> Reference | None:
        told = [(component, code) for component, code in levels if rep.get(component)]
        around: Reference | None = None
        path: tuple[str, ...] = ()
        for component, code in told:
            name = rep.get(component)
            uri = values.universal("", rep.get(component, 2), rep.get(component, 3))
            known: Json = {**({"system": uri} if uri is not None else {}), "value": name}
            content: Json = {
                "identifier": [known],
                "mode": "instance",
                "name": name,
                "physicalType": {"coding": [{"system": _PHYSICAL, "code": code}]},
            }
            if around is not None:
                content["partOf"] = around
            path = (*path, code, str(uri or ""), str(name))
            if (component, code) == told[-1] and levels is _LEVELS:
                _details(content, rep)
            around = self.add("Location", reading, path, content)
        if around is None and levels is _LEVELS:
            content = {"mode": "instance"}
            _details(content, rep)
            said = str(content.get("description", "") or (content.get("identifier") or [{}])[0].get("value", ""))
            return self.add("Location", reading, ("name", said), content) if said else None
        return around

    def named_place(self, content: Json, reading: State) -> Reference:
        """Return a reference to a place that is known by its name, address or identifier."""
        return self.add("Location", reading, key_of(content), content)

    def role(self, content: Json, reading: State) -> Reference | None:
        """Return a reference to a PractitionerRole; without anything but the person, to the person."""
        filled = {key: value for key, value in content.items() if value}
        if not filled:
            return None
        if set(filled) == {"practitioner"}:
            found: Reference = filled["practitioner"]
            return found
        return self.add("PractitionerRole", reading, (_all(filled),), filled)

    def named_person(self, rep: Rep, reading: State) -> Reference | None:
        """Return a reference to the role of an NDL: a CNN with when and where; some send an XCN in its place."""
        if rep.get(2) and not rep.get(2)[0].isdigit() and not rep.get(1, 2):
            return self.practitioner(rep, reading)
        inner = rep.sub(1)
        found: Json = {}
        who = self._cnn(inner, reading)
        if who is not None:
            found["practitioner"] = who
        valid = values.period(reading.time(rep.get(2)), reading.time(rep.get(3)))
        if valid:
            found["period"] = valid
        where = self.location(rep, reading, _NDL)
        if where is not None:
            found["location"] = [where]
        return self.role(found, reading)

    def _cnn(self, rep: Rep, reading: State) -> Reference | None:
        name = values.named(rep, 2)
        code, family = rep.get(1), name
        if not code and not family:
            return None
        content: Json = {"identifier": [{"value": code}] if code else [], "name": [name] if name else []}
        if rep.get(7):
            content["qualification"] = [{"code": {"text": rep.get(7)}}]
            for one in content["name"]:
                one["suffix"] = [text for text in one.get("suffix", []) if text is not rep.get(7)]
                if not one["suffix"]:
                    del one["suffix"]
        return self.add("Practitioner", reading, key_of(content), content)


def _details(content: Json, rep: Rep) -> None:
    """Add what a PL says of its innermost place: kind, description, another identifier."""
    if rep.get(6):
        content["type"] = [{"coding": [{"system": f"{values.TERMS}v2-0305", "code": values.token(rep.get(6))}]}]
    if rep.get(9):
        content["description"] = rep.get(9)
    if rep.get(10):
        name, oid, how = (rep.get(10, sub + 1) or rep.get(11, sub) for sub in (1, 2, 3))
        uri = values.universal(name, oid, how)
        more: Json = {**({"system": uri} if uri is not None else {}), "value": rep.get(10)}
        content["identifier"] = [*content.get("identifier", []), more]
    status = values.code_in("0306", rep.get(5)) if rep.get(5) else None
    if status:
        content["status"] = made(status, rep.get(5))


def organization(rep: Rep) -> Json:
    """Return name and identifier of an XON."""
    get = rep.get
    size = len(rep.parts)
    found: Json = {"name": get(1)} if get(1) else {}
    if size > 1 and get(1) and get(2):
        kind = {"url": "urn:trialbridge:fhir:name-type", "valueCode": values.token(get(2))}
        found["_name"] = {"extension": [kind]}
    value = get(10) or get(3)
    if not value:
        return found
    one: Json = {}
    checks = values.checked(get(4), get(5))
    if checks:
        one["extension"] = checks
    if get(7):
        one["type"] = values.typed(get(7))
    uri = values.universal(get(6), get(6, 2), get(6, 3))
    if uri is not None:
        one["system"] = uri
    one["value"] = value
    told = get(6, 3).upper() in ("ISO", "UUID", "GUID")
    assigner = values.party(get(6) if get(6, 2) and uri is not None else "", "" if told else get(6, 2), get(6, 3))
    if size > 7 and (get(8) or get(8, 2)):  # noqa: PLR2004 - XON-8
        assigner = {**(values.party(get(8), get(8, 2), get(8, 3)) or {}), **(assigner or {})}
    if assigner:
        one["assigner"] = assigner
    found["identifier"] = [one]
    if get(10) and get(3):
        found["identifier"].append({"value": get(3)})
    return found


def key_of(content: Json) -> tuple[str, ...]:
    """Return what tells somebody from others: the first identifier, else all that is known."""
    for one in content.get("identifier") or ():
        return str(one.get("system", "")), str(one.get("value", ""))
    return "name", _all(content.get("name") or content)


def _all(value: Any) -> str:
    """Return all text in a value, in order."""
    if isinstance(value, dict):
        return " ".join(_all(one) for key, one in value.items() if key not in ("use", "period") and key[0] != "_")
    if isinstance(value, list):
        return " ".join(_all(one) for one in value)
    return str(value)


__all__ = ["Actors", "key_of"]
