"""Places within resources, for errors."""

import msgspec

from trialbridge.contracts.errors import Place


def below(place: Place, path: str) -> Place:
    """Return the place of an element inside the resource at ``place``."""
    return msgspec.structs.replace(place, field=".".join(part for part in (place.field, path) if part) or "resource")
