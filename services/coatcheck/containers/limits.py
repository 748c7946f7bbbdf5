"""The caps on what a bundle may unfold to, and the one budget that everything unfolded is counted against."""

from dataclasses import dataclass, field
from typing import Final

from trialbridge.contracts.errors import Place, Refused

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a bundle may unfold."""

    total_bytes: int = 1024 * MIB
    """Of all that decompression gives, over every level."""
    entries: int = 50_000
    """Archive members and compressed streams, over every level."""
    depth: int = 4
    """Containers inside one another."""
    ratio: int = 100
    """Bytes out for each byte of the bundle; unrepeated FHIR NDJSON needs about 25."""
    ratio_from: int = 16 * MIB
    """Below so many bytes out the ratio does not matter: a small text may repeat itself."""


@dataclass(slots=True)
class Budget:
    """Counts what has been unfolded so far. Counting comes before keeping, so that a bomb is stopped while it is small."""

    limits: Limits
    bundle_bytes: int
    """Size of the bundle itself."""
    bytes_out: int = field(default=0, init=False)
    entries: int = field(default=0, init=False)

    def spend(self, count: int) -> None:
        """Count bytes out.

        Raises:
            TooLarge: ``container.too-large`` or ``container.ratio``.
        """
        self.bytes_out += count
        if self.bytes_out > self.limits.total_bytes:
            raise TooLarge("too-large", f"The bundle unfolds to more than {self.limits.total_bytes} bytes; split it.")
        if self.bytes_out > max(self.limits.ratio_from, self.limits.ratio * self.bundle_bytes):
            raise TooLarge(
                "ratio", f"The bundle unfolds to more than {self.limits.ratio} times its size; send it plain."
            )

    def foresee(self, count: int) -> None:
        """Refuse what a header announces before any of it is unfolded; raises as `spend` does."""
        before = self.bytes_out
        self.spend(count)
        self.bytes_out = before

    def enter(self) -> None:
        """Count an entry; raise `TooLarge` ``container.too-many-entries``."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise TooLarge("too-many-entries", f"The bundle has more than {self.limits.entries} entries; split it.")

    def anew(self) -> "Budget":
        """Return a budget of the same caps that has counted nothing yet, to make the same content a second time."""
        return Budget(self.limits, self.bundle_bytes)

    def descend(self, depth: int) -> None:
        """Refuse a container at ``depth`` (1: the bundle itself is one) beyond the cap; raise `TooLarge` ``container.too-deep``."""
        if depth > self.limits.depth:
            raise TooLarge(
                "too-deep", f"More than {self.limits.depth} containers lie inside one another; pack it flat."
            )


class TooLarge(Refused):
    """The bundle as a whole goes over a cap."""

    def __init__(self, code: str, message: str, place: Place | None = None) -> None:
        """Say which cap; ``code`` is without its prefix unless it has one."""
        super().__init__(code if code.startswith("container.") else f"container.{code}", message, place)


def broken(kind: str) -> Refused:
    """Return the error of a container that cannot be read to its end."""
    return Refused("container.broken", f"The {kind} data are damaged or cut short; send the bundle again.")


def unsupported(kind: str, what: str) -> Refused:
    """Return the error of a container's feature that is not taken."""
    return Refused("container.unsupported", f"The {kind} uses {what}, which is not taken here.")
