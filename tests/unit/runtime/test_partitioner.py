"""Partitions are those of any Kafka client."""

from aiokafka.partitioner import murmur2 as clients_own
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.runtime.partitioner import murmur2, partition_of
from trialbridge.testkit import partitions


@given(st.binary(max_size=80))
def test_the_hash_is_that_of_the_client(data: bytes) -> None:
    assert murmur2(data) == clients_own(data) & 0xFFFFFFFF


@given(st.text(max_size=40), st.integers(1, 64))
def test_a_key_has_the_partition_that_the_testkit_computes_by_itself(key: str, count: int) -> None:
    assert partition_of(key, count) == partitions.partition_of(key, count)
