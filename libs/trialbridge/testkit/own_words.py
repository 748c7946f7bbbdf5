"""Codes of a feed's own, as one practice of the demo writes them where standard ones are meant, and which of them it explains itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from trialbridge.emr.localcodes.codes import Kind, LocalCode, Target
from trialbridge.testkit.places import HILL, Source
from trialbridge.testkit.placing import Delivery

_TABLE: Final = "99HILL"
"""The practice's own table, as HL7 v2 names one (CWE.3 beginning with 99)."""


@dataclass(frozen=True, slots=True)
class OwnWord:
    """What a feed writes in place of a standard code."""

    kind: Kind
    standard: str
    """The field (CE, CWE) with the standard code."""
    code: str
    words: str
    target: Target
    """What a person who knows the feed accepts for it."""

    @property
    def field(self) -> str:
        """Return the field as the feed writes it."""
        return f"{self.code}^{self.words}^{_TABLE}"

    @property
    def local(self) -> LocalCode:
        """Return the local code that the feed's records then hold."""
        return LocalCode(self.kind, f"urn:id:{_TABLE}", self.code, self.words)


SPEAKER: Final[Source] = HILL
"""The practice whose feed has codes of its own."""
PERFORMANCE: Final = OwnWord(
    "observation",
    "89247-1^ECOG performance status^LN",
    "PS",
    "Performance status, ECOG",
    Target("loinc", "89247-1", "ECOG performance status"),
)
"""Explained during the demo; the others are left for whoever tries it."""
OWN_WORDS: Final = (
    PERFORMANCE,
    OwnWord("observation", "718-7^Hemoglobin^LN", "HB", "Haemoglobin, venous", Target("loinc", "718-7", "hemoglobin")),
    OwnWord(
        "observation",
        "751-8^Neutrophils^LN",
        "NEUT",
        "Neutrophils, absolute",
        Target("loinc", "751-8", "absolute neutrophil count"),
    ),
    OwnWord(
        "observation", "777-3^Platelets^LN", "PLT", "Platelet count, EDTA", Target("loinc", "777-3", "platelet count")
    ),
    OwnWord(
        "observation",
        "21908-9^Clinical stage group^LN",
        "STAD",
        "Stage group, clinical",
        Target("loinc", "21908-9", "group clinical stage"),
    ),
    OwnWord(
        "condition",
        "C34.90^Adenocarcinoma of lung^I10C",
        "LUAD-H",
        "Adenocarcinoma of lung",
        Target("oncotree", "LUAD", "Lung Adenocarcinoma"),
    ),
)


def in_own_words(deliveries: Iterable[Delivery]) -> Iterator[Delivery]:
    """Yield the deliveries; the messages of `SPEAKER` with its own codes."""
    for each in deliveries:
        yield replace(each, messages=tuple(map(_said, each.messages))) if each.source is SPEAKER else each


def _said(message: str) -> str:
    for word in OWN_WORDS:
        message = message.replace(f"|{word.standard}|", f"|{word.field}|")
    return message
