"""Tables that keep a part of their values decoded."""

from typing import Any

from trialbridge.contracts.ids import NetworkId
from trialbridge.runtime.effects import TableSpec
from trialbridge.runtime.stage.lane import Lane
from trialbridge.runtime.stage.tables import PartitionedStore, StateTable

NET = NetworkId("net")
FEW = TableSpec("few", int, kept=2)


async def test_values_beyond_those_kept_are_decoded_again_when_asked_for(bench: Any) -> None:
    store = PartitionedStore.__new__(PartitionedStore)
    store.parts = {}
    table = bench.links.tables["few"] = StateTable(FEW, store, "toy-few-changelog", bench.seal)
    lane = Lane(bench.links, 0)
    for number in range(5):
        lane.table(FEW).put(str(number), number, NET)
    # Nothing goes before it is durable.
    table.rest(1)
    assert len(table._decoded[0]) == 5
    await lane.flush()
    assert list(table._decoded[0]) == ["3", "4"]
    assert [table.get(0, str(number)) for number in range(5)] == [0, 1, 2, 3, 4]
    assert dict(table.items(0)) == {str(number): number for number in range(5)}
