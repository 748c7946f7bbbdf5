"""A section's narrative: as XHTML that FHIR allows, and as plain text by the ids that entries refer to.

What an element becomes is a table (`tables/ccda_narrative.tsv`); an element that is not in it leaves its text. Nothing of the source
becomes markup: texts and attribute values are escaped, links lead to web addresses, mail or the narrative itself.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from html import escape
from typing import Final

from trialbridge.emr.ccda.xmltree import Element, Names
from trialbridge.emr.tables.rows import rows

OPEN: Final = '<div xmlns="http://www.w3.org/1999/xhtml">'
_LINK: Final = re.compile(r"(?:https?://|mailto:|#)[^\s\"<>]*")
_IDS: Final = frozenset({"ID", "id"})


Span = list[int]
"""The first of an element's texts, and the one after its last."""


class Narrative:
    """The narrative of one section, with the leaves that went into the XHTML by pattern."""

    def __init__(self, text: Element | None, names: Names) -> None:
        """Convert the section's ``text`` element; None where it has none."""
        self.mapped: Counter[str] = Counter()
        """Leaves by path below the section that are in the XHTML."""
        self.layout: Counter[str] = Counter()
        """Attributes by path that say how to print, which the XHTML leaves out."""
        self.unsafe: Counter[str] = Counter()
        """Links that lead elsewhere than to the web, to mail or into the narrative."""
        self.xhtml = ""
        self._names = names
        self._words: list[str] = []
        """Texts in their order."""
        self._by_id: dict[str, Span] = {}
        """Which of them each element with an id holds."""
        self._texts: dict[str, str] = {}
        if text is not None:
            span = [0, 0]
            parts = [f"{OPEN[:-1]}{self._attributes(text, 'text', 'section/text', span)}>"]
            self._content(text, "section/text", parts)
            span[1] = len(self._words)
            parts.append("</div>")
            self.xhtml = "".join(parts) if self.mapped else ""

    def text_of(self, reference: str) -> str | None:
        """Return the text that ``#id`` refers to, None where there is none."""
        key = reference.strip().removeprefix("#")
        known = self._texts.get(key)
        if known is None and key in self._by_id:
            start, end = self._by_id[key]
            known = self._texts[key] = _joined(self._words[start:end])
        return known or None

    def forget(self) -> None:
        """Let go of the words; the texts that were asked for stay."""
        self._by_id.clear()
        self._words.clear()

    def _content(self, element: Element, path: str, parts: list[str]) -> None:
        text = element.text
        if text:
            parts.append(self._text(text, path))
        for child in element[:]:
            self._element(child, path, parts)
            text = child.tail
            if text:
                parts.append(self._text(text, path))

    def _text(self, text: str, path: str) -> str:
        if text.isspace():
            return text
        self.mapped[f"{path}/#text"] += 1
        self._words.append(text)
        return escape(text, quote=False)

    def _element(self, element: Element, above: str, parts: list[str]) -> None:
        name = self._names[element.tag]
        path = f"{above}/{name}"
        tag = _tags().get(name, "")
        span = [len(self._words), 0]
        attributes = self._attributes(element, name, path, span)
        if name == "list" and element.get("listType") == "ordered":
            tag = "ol"
        if not tag and attributes:
            tag = "span"
        if tag in _EMPTY:
            parts.append(f"<{tag}{attributes}/>")
            self._content(element, path, parts)
        elif tag:
            parts.append(f"<{tag}{attributes}>")
            self._content(element, path, parts)
            parts.append(f"</{tag}>")
        else:
            self._content(element, path, parts)
        span[1] = len(self._words)

    def _attributes(self, element: Element, name: str, path: str, span: Span) -> str:
        parts = []
        for key, value in element.items():
            short = self._names[key]
            target = _attributes_of().get((name, short)) or _attributes_of().get(("*", short), "")
            if short in _IDS and value:
                self._by_id.setdefault(value, span)
            if not value.strip():
                continue
            if target == "href" and not _LINK.fullmatch(value.strip()):
                self.unsafe[f"{path}/@{short}"] += 1
                continue
            if not target:
                self.layout[f"{path}/@{short}"] += 1
                continue
            self.mapped[f"{path}/@{short}"] += 1
            if target != "tag":
                parts.append(f' {target}="{escape(value.strip())}"')
        return "".join(parts)


_EMPTY: Final = frozenset({"br", "col", "img"})


@cache
def _tags() -> dict[str, str]:
    return {source: target for source, attribute, target in rows("ccda_narrative") if not attribute}


@cache
def _attributes_of() -> dict[tuple[str, str], str]:
    return {(source, attribute): target for source, attribute, target in rows("ccda_narrative") if attribute}


def plain(element: Element) -> str:
    """Return all text in an element, white space reduced to single spaces."""
    return _joined(element.itertext())


def _joined(texts: Iterable[str]) -> str:
    return " ".join(" ".join(texts).split())


def paragraph(text: str) -> str:
    """Return plain text as XHTML."""
    return f"{OPEN}{escape(text, quote=False)}</div>"
