"""What a document of FHIR holds, with its place: resources as they stand there, and deletions."""

from typing import Any

import msgspec

from trialbridge.contracts.errors import Place, Poison

Scope = dict[str, str]
"""What full URLs mean in a Bundle: shared by all of its resources, filled by who reads them."""


class Item:
    """One resource of a document, or what stands where one should be."""

    __slots__ = ("added", "base", "error", "field", "scope", "text", "url", "value")

    def __init__(
        self, value: Any, base: Place, field: str, scope: Scope, url: str = "", error: Poison | None = None
    ) -> None:
        """Keep the parts."""
        self.value = value
        self.base = base
        self.field = field
        self.scope = scope
        self.url = url
        """The entry's full URL."""
        self.error = error
        self.text = b""
        """The JSON that it came in, where that is known: nothing is around it."""
        self.added: tuple[str, ...] = ()
        """Elements that are no part of the resource in the source: an id that is derived, a version that the entry tells."""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return msgspec.structs.replace(self.base, field=self.field or None)


class Deletion:
    """An entry that says that a resource was deleted."""

    __slots__ = ("at", "is_history", "place", "target")

    def __init__(self, target: str, at: str, place: Place, *, is_history: bool) -> None:
        """Keep what was deleted (``Type/id``, or whatever the request's URL says) and when, empty for unknown."""
        self.target = target
        self.at = at
        self.place = place
        self.is_history = is_history
