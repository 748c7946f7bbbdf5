"""Geometry of the pages' charts: stacked bars as inline SVG, whose widths are numbers, never styles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 100.0
LEAST: Final = 1.5
"""So wide is the smallest part that is there at all, to be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a stacked bar, in percent of its width."""

    x: float
    width: float
    tone: str
    label: str
    count: int


def bars(parts: Sequence[tuple[str, int, str]], width: float = WIDTH) -> list[Bar]:
    """Return the parts (label, count, tone) side by side, in proportion; those that are not there are left out."""
    present = [part for part in parts if part[1] > 0]
    total = sum(count for _, count, _ in present)
    if not total:
        return []
    raw = [max(width * count / total, LEAST) for _, count, _ in present]
    scale = width / sum(raw)
    found, x = [], 0.0
    for (label, count, tone), wide in zip(present, raw, strict=True):
        found.append(Bar(round(x, 2), round(wide * scale, 2), tone, label, count))
        x += wide * scale
    return found
