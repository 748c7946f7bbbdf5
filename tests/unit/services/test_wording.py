"""A potentially eligible match may hold a failure that can turn, not only an unknown: wherever it is explained, both are said."""

import asyncio

from rich.console import Console

from services.cli.demo.outcome import show
from services.matchbook.gates import gates_of
from services.portal.words import word
from tests.unit.services.matchbook.said import match
from trialbridge.testkit.fakes import MemoryDocuments

RESULT = {
    "local_codes": {"open": 1, "accepted": 0},
    "patients": 1, "views": 1, "proposed": 1, "approved": 0, "potentially": 1, "held": 0, "awaiting_review": 0, "withdrawn": 0,
    "notified": 0, "refused": [], "seconds": {"wall": {}}, "hash": "",
}  # fmt: skip


def says_both(text: str) -> bool:
    return "not known yet" in text and "not met now" in text


def test_the_word_on_the_pages_says_both() -> None:
    assert says_both(word("status", "potentially").about)


def test_the_gate_says_both() -> None:
    clinical = gates_of(match("potentially"), None, None, ())[0]
    assert (clinical.name, clinical.open) == ("clinical", False)
    assert says_both(clinical.reason)


def test_the_demo_says_both() -> None:
    console = Console(record=True, quiet=False, width=200)
    asyncio.run(show(console, MemoryDocuments(), RESULT, "hint"))
    assert says_both(console.export_text())
