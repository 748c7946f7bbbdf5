"""Puts records that were set aside back into the topic that they came from."""

from typing import Any, Final

import msgspec

from trialbridge.contracts import topics
from trialbridge.contracts.documents import DeadLetterDoc
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Refused
from trialbridge.contracts.ids import EventId, NetworkId
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.stage import wire

MESSAGE: Final = "message"
"""Payload type of a whole message that could not be opened, kept as it came."""


async def republish(letter: DeadLetterDoc, seal: wire.Seal, emitter: Emitter) -> int:
    """Publish a dead letter's records to their topic, and return how many.

    A record is the same event again, and so is a repeat of an interrupted replay.

    Raises:
        Refused: ``replay.unknown-topic``, ``replay.not-a-record``.
        Poison: the seal's or the wire's own, where a whole message still cannot be opened.
    """
    topic = topics.BY_NAME.get(letter.topic)
    if topic is None:
        raise Refused("replay.unknown-topic", "It came from a topic that is not there any more.")
    if letter.payload_type == MESSAGE and letter.payload:
        envelopes = wire.decode(await wire.unseal(topic, letter.payload, seal))
    elif letter.payload_type == topic.type and letter.payload:
        held = msgspec.Raw(letter.payload)
        envelopes = (wire.Envelope(EventId(letter.event), letter.key, NetworkId(letter.network), "", held),)
    else:
        raise Refused("replay.not-a-record", "The whole record was not kept with it; have it sent again.")
    for number, envelope in enumerate(envelopes):
        payload = _decode(topic, envelope.data)
        cause = f"replay/{letter.id}/{letter.version}/{number}"
        # As the event that it was: nothing came of it, and should it fail again, that is the same letter.
        await emitter.publish(topic, envelope.key, payload, envelope.network, cause, envelope.id)
    return len(envelopes)


def _decode(topic: Topic[Any], data: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(data, type=topic.payload)
    except NOT_AS_DESCRIBED:
        raise Refused(
            "replay.not-a-record", "What was set aside still does not follow its topic's contract; have it sent anew."
        ) from None
