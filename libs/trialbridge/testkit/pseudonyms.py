"""The ids of synthetic people: known to all, so that two runs can be compared. Never for the ids of real ones."""

from typing import Final

from trialbridge.contracts.ids import Pseudonyms

PSEUDONYM_KEY: Final = b"synthetic people and their ids.."
SYNTHETIC: Final = Pseudonyms(PSEUDONYM_KEY)
