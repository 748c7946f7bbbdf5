"""Remembers how the readers of rules lay out what they read, so that a value of the same form is made at once, and plain.

A value depends on its repetition only: on its codes, on which of its components hold something, and on the form of what they hold.
So a reader is asked once, with a mark in the place of each text and time of a patient, and what it makes becomes a function of
these. Only codes are remembered, never names, numbers, free text or times (`forms.py` tells which is which). A value that a
function cannot be made of is read in full each time, as is all that is unusual: escapes, subcomponents in texts, deletions.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from trialbridge.contracts.errors import Poison
from trialbridge.emr.account import Derived, Found, Leaf, leaves_of, plain
from trialbridge.emr.hl7v2 import ready
from trialbridge.emr.hl7v2.forms import TEXT, TIME, is_code
from trialbridge.emr.hl7v2.message import NULL, Rep
from trialbridge.emr.hl7v2.ready import Layout, Ready, ReadyText
from trialbridge.emr.hl7v2.standins import CLOSE, OPEN, holds_any, stand_in
from trialbridge.emr.hl7v2.state import NOWHERE, USUAL, State
from trialbridge.emr.hl7v2.times import timestamp

MOST: Final = 20_000
"""Layouts that are remembered; then it begins anew."""
LONGEST: Final = 200
"""Of texts; longer ones are read in full."""
_TEXT: Final = re.compile(TEXT)
_TIME: Final = re.compile(TIME)
_MARK: Final = re.compile(f"{OPEN}(\\d+)aB[@ ]*{CLOSE}")


class _UnfitError(Exception):
    """No function can be made of a value."""


Make = Callable[[Sequence[str], Sequence[str], Sequence[str]], Any]
_Known = tuple[Make | None, Sequence[str], Layout] | None
"""A function of texts, times and constants, None where it makes nothing; the constants; the layout."""
_memories: "list[Memory]" = []


class Memory:
    """What one rule's reader made before, by codes and form."""

    __slots__ = ("_form", "_known", "_reader")

    def __init__(self, reader: Callable[[Rep, Any], Any], form: str) -> None:
        """Begin with nothing."""
        self._reader = reader
        self._form = form
        self._known: dict[Any, _Known] = {}
        _memories.append(self)

    def read(self, rep: Rep, reading: State) -> Any:
        """Return what the reader makes of a repetition, plain where it is of a form that was met before."""
        raw = rep.raw
        texts: list[str] = []
        times: list[str] = []
        key: Any = raw
        if self._form:
            key = self._key(raw, texts, times)
            if key is None:
                return _read(self._reader, rep, reading)
        try:
            known = self._known[key]
        except KeyError:
            return self._learn(key, rep, reading)
        if known is None:
            return _read(self._reader, rep, reading)
        make, constants, layout = known
        if make is None:
            return None
        if times:
            try:
                times = [timestamp(one, NOWHERE, zone=reading.zone) for one in times]
            except Poison:
                return _read(self._reader, rep, reading)
        value = make(texts, times, constants)
        found: Any = Ready(value) if type(value) is dict else ReadyText(value)
        found.of = rep, layout
        return found

    def _key(self, raw: str, texts: list[str], times: list[str]) -> Any:
        """Return codes and form of a repetition, and its texts and times apart; None for one that is read in full."""
        parts = raw.split("^") if "^" in raw else (raw,)
        if len(parts) > len(self._form):
            return None
        key: list[str | int] = []
        for letter, text in zip(self._form, parts, strict=False):
            if not text:
                key.append("")
            elif letter == "h" and len(text) <= LONGEST and _TEXT.fullmatch(text) is not None:
                texts.append(text)
                key.append((" " in text) + 2 * ("@" in text))
            elif letter == "t" and _TIME.fullmatch(text) is not None:
                times.append(text)
                key.append(len(text))
            elif letter == "c" and NULL not in text and "\\" not in text and len(text) <= LONGEST:
                key.append(text)
            else:
                return None
        return tuple(key)

    def _learn(self, key: Any, rep: Rep, reading: State) -> Any:
        """Read a repetition in full, and remember how it is done."""
        before = reading.noted()
        value = _read(self._reader, rep, reading)
        if not self._form and not _is_remembered(rep.raw):
            return value
        _make_room()
        try:
            self._known[key] = None if before != reading.noted() else self._layout(rep, reading)
        except _UnfitError:
            self._known[key] = None
        return value

    def _layout(self, rep: Rep, reading: State) -> _Known:
        marked, kinds = _marked(rep, self._form)
        leaves = ready.leaves_of(marked)
        letters = {id(one): letter for one, letter in zip(leaves, kinds, strict=True)}
        value = self._reader(marked, reading)
        found: Found = []
        plain(value, "", found)
        numbers = {id(one): number for number, one in enumerate(leaves)}
        if any(id(one) not in numbers for one, _ in found):
            raise _UnfitError
        where = tuple(
            (component, sub, len(subs))
            for component, subs in enumerate(marked.parts, 1)
            for sub, one in enumerate(subs, 1)
            if type(one) is Leaf
        )
        places = tuple((numbers[id(one)], path) for one, path in found)
        layout = Layout(self._reader, where, places, len(value) if type(value) is dict else -1)
        if value is None:
            return None, (), layout
        if type(value) is not dict and not isinstance(value, str):
            raise _UnfitError
        writing = _Writing(letters, reading.zone)
        source = writing.source(value)
        return _compiled(source), tuple(writing.constants), layout


def _is_remembered(raw: str) -> bool:
    """Return whether codes may be remembered as they are written: words in the place of a code are not."""
    return len(raw) <= LONGEST and "\\" not in raw and NULL not in raw and is_code(raw)


def _read(reader: Callable[[Rep, Any], Any], rep: Rep, reading: State) -> Any:
    """Read a repetition in full, with leaves."""
    rep.is_loose = True
    return reader(rep, reading)


def _marked(rep: Rep, form: str) -> tuple[Rep, list[str]]:
    """Return a repetition with marks for its texts, and the letter of each of its leaves (``t2`` for the third time)."""
    if not form:
        found = Rep(rep.raw, USUAL)
        return found, ["c"] * len(ready.leaves_of(found))
    parts, kinds = [], []
    texts = times = 0
    for letter, text in zip(form, rep.raw.split("^"), strict=False):
        shown = text
        if text and letter == "h":
            shown = stand_in(texts, text)
            kinds.append("h")
            texts += 1
        elif text and letter == "t":
            kinds.append(f"t{times}")
            times += 1
        elif text.strip():
            kinds += ["c"] * sum(1 for one in text.split("&") if one.strip())
        parts.append(shown)
    return Rep("^".join(parts), USUAL), kinds


class _Writing:
    """Writes the source of a function that makes a value; texts of the message are in its constants only."""

    def __init__(self, letters: dict[int, str], zone: str) -> None:
        self._letters = letters
        self._zone = zone
        self.constants: list[str] = []

    def source(self, value: Any) -> str:
        """Return an expression that makes the value."""
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {self.source(inner)}" for key, inner in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.source(inner) for inner in value) + "]"
        if isinstance(value, str):
            return self._text(value)
        raise _UnfitError

    def _text(self, value: str) -> str:
        of = leaves_of(value)
        letters = [self._letters[id(one)] for one in of]
        for one, letter in zip(of, letters, strict=True):
            if letter[0] == "t":
                return self._time(value, of, letter)
            if letter == "h" and str(one) not in value:
                raise _UnfitError
        pieces = _MARK.split(str(value))
        told = [self._constant(piece) if at % 2 == 0 else f"h[{piece}]" for at, piece in enumerate(pieces) if piece]
        return " + ".join(told)

    def _constant(self, text: str) -> str:
        if holds_any(text):
            # A reader took a text apart.
            raise _UnfitError
        self.constants.append(str(text))
        return f"c[{len(self.constants) - 1}]"

    def _time(self, value: str, of: list[Leaf], letter: str) -> str:
        if len(of) != 1 or type(value) is not Derived:
            raise _UnfitError
        whole = timestamp(of[0], NOWHERE, zone=self._zone)
        if value == whole:
            return f"t[{letter[1:]}]"
        if value == whole[:10]:
            return f"t[{letter[1:]}][:10]"
        raise _UnfitError


@cache
def _compiled(source: str) -> Make:
    """Return a function; its source holds names of elements and numbers only."""
    found: Make = eval(f"lambda h, t, c: {source}", {"__builtins__": {}})  # noqa: S307 - source that `_Writing` writes
    return found


def _make_room() -> None:
    if sum(len(one._known) for one in _memories) >= MOST:  # noqa: SLF001 - of one room
        forget()


def forget() -> None:
    """Begin anew, as a new process does."""
    for one in _memories:
        one._known.clear()  # noqa: SLF001 - of one room
