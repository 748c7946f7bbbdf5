"""A feed's own codes in the demo: they stand where standard ones stood, are found as local codes, and the right meaning is suggested."""

from collections import Counter

import pytest

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.localcodes.codes import LocalCode, checked
from trialbridge.emr.localcodes.finding import local_codes
from trialbridge.emr.localcodes.suggesting import suggest
from trialbridge.emr.records import Entry, Feed
from trialbridge.testkit.feeds import HL7V2
from trialbridge.testkit.own_words import OWN_WORDS, SPEAKER, OwnWord, in_own_words
from trialbridge.testkit.placing import Delivery
from trialbridge.testkit.world import make_world

WORLD = make_world()
FEED = Feed(NetworkId("lakeland"), TenantId("hill-practice"), SourceId("hill-practice/adt-oru"), "2026-06-01T06:00:00Z")


def held(deliveries: list[Delivery]) -> Counter[LocalCode]:
    """Return the local codes that the converted messages hold, without their units, and how often."""
    body = "".join(message for each in deliveries for message in each.messages).encode()
    resources = [one for patient in convert([Entry("a.hl7", HL7V2, body)], FEED).patients for one in patient.resources]
    found = (code for resource in resources for code in local_codes(resource))
    return Counter(LocalCode(one.kind, one.system, one.code, one.display) for one in found)


def test_the_feed_holds_each_of_its_own_codes_and_no_other() -> None:
    mine = [each for each in WORLD.deliveries if each.source is SPEAKER]
    assert not held(mine)
    found = held(list(in_own_words(mine)))
    assert set(found) == {word.local for word in OWN_WORDS}
    assert min(found.values()) > 1


def test_nothing_else_changes() -> None:
    said = list(in_own_words(WORLD.deliveries))
    for before, after in zip(WORLD.deliveries, said, strict=True):
        assert (before == after) or before.source is SPEAKER
        assert before.resources == after.resources
    messages = [message for each in said for message in each.messages]
    for word in OWN_WORDS:
        messages = [message.replace(word.field, word.standard) for message in messages]
    assert messages == [message for each in WORLD.deliveries for message in each.messages]


@pytest.mark.parametrize("word", OWN_WORDS, ids=lambda word: word.code)
def test_the_first_suggestion_is_what_it_means(word: OwnWord) -> None:
    assert checked(word.kind, word.target) == word.target
    assert suggest(word.local)[0].target == word.target
