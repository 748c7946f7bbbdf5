"""Stand-ins: signs of private use that stand for texts while a repetition or a message is read to be remembered."""

from typing import Final

OPEN: Final = "\ue000"
CLOSE: Final = "\ue001"


def stand_in(number: int, text: str) -> str:
    """Return what stands for the text of a number; readers see the same in it: whether there is a blank, or an at sign."""
    return f"{OPEN}{number}aB{'@' * ('@' in text)}{' ' * (' ' in text)}{CLOSE}"


def holds_any(text: str) -> bool:
    """Return whether a text has such signs of its own: nothing of it may be remembered, nor read as stand-ins."""
    return OPEN in text or CLOSE in text
