"""Reads the documents for the tests beside it: their paths, links, code, and named examples."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
_FENCE: Final = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NAMED: Final = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED: Final = re.compile(r"(?:^(?: {4,}|\t)\S.*\n)+", re.MULTILINE)
_INLINE: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def documents() -> list[Path]:
    """Return every Markdown file of the project, without what lies in hidden folders."""
    found = [path.relative_to(ROOT) for path in ROOT.rglob("*.md")]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.parts))


def text_of(document: Path) -> str:
    """Return a document's text."""
    return (ROOT / document).read_text("utf-8")


def links(document: Path) -> list[str]:
    """Return the targets of a document's links, those in code left out."""
    return _LINK.findall(_INLINE.sub("", _FENCE.sub("", text_of(document))))


def code(document: Path) -> list[str]:
    """Return all code of a document: fenced, indented and inline."""
    text = text_of(document)
    rest = _FENCE.sub("", text)
    return [*_FENCE.findall(text), *_INDENTED.findall(rest), *inline(document)]


def inline(document: Path) -> list[str]:
    """Return a document's inline code."""
    return _INLINE.findall(_FENCE.sub("", text_of(document)))


def headings(document: Path) -> Iterator[str]:
    """Yield the anchors of a document's headings, as GitHub names them."""
    for line in _FENCE.sub("", text_of(document)).splitlines():
        if line.startswith("#"):
            plain = line.lstrip("#").strip().lower().replace("`", "")
            yield re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def examples(document: str) -> dict[str, str]:
    """Return a document's named code blocks (a name after the language) by name."""
    return dict(_NAMED.findall(text_of(Path(document))))
