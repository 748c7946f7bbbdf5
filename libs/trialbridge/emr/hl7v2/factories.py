"""What readers of rules are, and what the arguments that they are made of shorten."""

from collections.abc import Callable
from typing import Any, Final

from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.message import Rep
from trialbridge.emr.hl7v2.reading import Reading

Reader = Callable[[Rep, Reading], Any]
"""Makes an element of a repetition, None where nothing is made of it."""
Factory = Callable[[str], Reader]
"""Makes a reader of a rule's argument."""
SHORT: Final = {
    "sd:": values.DEFINITIONS,
    "x5:": "http://hl7.org/fhir/5.0/StructureDefinition/",
    "tb:": "urn:trialbridge:fhir:",
    "v2:": f"{values.TERMS}v2-",
    "v3:": f"{values.TERMS}v3-",
    "term:": values.TERMS,
}
"""How arguments shorten the beginnings of URLs."""


def long(text: str) -> str:
    """Return a URL with its beginning written out."""
    prefix, sign, rest = text.partition(":")
    return SHORT[prefix + sign] + rest if prefix + sign in SHORT else text


def plain(function: Reader) -> Factory:
    """Return a factory of a reader that needs no argument."""
    return lambda _: function
