"""One message while it is read, with those who take part in it."""

from trialbridge.emr.hl7v2.actors import Actors
from trialbridge.emr.hl7v2.message import Message
from trialbridge.emr.hl7v2.state import State
from trialbridge.emr.records import Feed, Warnings


class Reading(State):
    """The state of one message, and its participants."""

    def __init__(self, message: Message, entry: str, number: int, feed: Feed, warnings: Warnings) -> None:
        """Begin with nothing built, and nobody met."""
        super().__init__(message, entry, number, feed, warnings)
        self.actors = Actors()
