"""Derived ids are UUIDs of version 5, as everybody computes them."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from trialbridge.contracts.ids import SourceId
from trialbridge.emr.ids import SPACE, resource_id

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(WORDS, st.lists(WORDS, max_size=4))
def test_an_id_is_the_uuid5_of_the_source_and_the_parts(source: str, parts: list[str]) -> None:
    assert resource_id(SourceId(source), *parts) == str(uuid5(SPACE, "\x1f".join((source, *parts))))
