"""Twenty planted identifiers and the scanner that looks for them in logs, metrics, traces, errors and headers."""

import base64
from dataclasses import dataclass
from typing import Literal

Kind = Literal["family", "given", "mrn", "member", "phone", "email", "street", "ssn", "note"]


@dataclass(frozen=True, slots=True)
class Canary:
    """One identifier that occurs nowhere by chance."""

    kind: Kind
    text: str


CANARIES: tuple[Canary, ...] = (
    Canary("family", "Quillonbraxe"),
    Canary("family", "Vexmarindale"),
    Canary("family", "Thornwyckel"),
    Canary("family", "Obrizzentham"),
    Canary("given", "Zephirandrine"),
    Canary("given", "Ottokarlinde"),
    Canary("given", "Ysmarelluna"),
    Canary("mrn", "NC77190344"),
    Canary("mrn", "RO77190355"),
    Canary("mrn", "HS77190366"),
    Canary("mrn", "CH77190377"),
    Canary("member", "LKM900417733"),
    Canary("member", "LKM900417744"),
    Canary("phone", "+1-555-014-7731"),
    Canary("phone", "+1-555-014-7742"),
    Canary("email", "quill.canary@mail.example"),
    Canary("street", "4417 Plovernest Gate"),
    Canary("street", "92 Wrenhollow Steps"),
    Canary("ssn", "987-65-4329"),
    Canary("note", "sister of Ferdimandra"),
)
TEXTS = tuple(canary.text for canary in CANARIES)


def of_kind(kind: Kind) -> tuple[str, ...]:
    """Return the texts of one kind, in a fixed order."""
    return tuple(canary.text for canary in CANARIES if canary.kind == kind)


def _encodings(text: str) -> frozenset[bytes]:
    """Return the forms in which a careless dump would show ``text``: plain, hex, and base64 at each of its offsets."""
    raw = text.encode()
    forms = {raw.lower(), raw.hex().encode()}
    for skipped, offset in ((0, 0), (2, 1), (3, 2)):
        coded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        # The first and last characters also hold bits of the text's neighbours.
        end = len(coded) - (1 if (offset + len(raw)) % 3 else 0)
        forms.add(coded[skipped:end].lower())
    return frozenset(forms)


_NEEDLES = {text: _encodings(text) for text in TEXTS}


def find_canaries(haystack: str | bytes) -> list[str]:
    """Return the planted identifiers that occur in ``haystack``, in any letter case, also as hex or base64."""
    data = haystack.encode(errors="surrogateescape") if isinstance(haystack, str) else haystack
    lowered = data.lower()
    return [text for text, needles in _NEEDLES.items() if any(needle in lowered for needle in needles)]
