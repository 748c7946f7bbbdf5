"""Someone new whose identifiers nobody holds is taken in as anybody is, only sooner."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.patientview.identity import Network
from trialbridge.contracts.events import DemographicsSeen, Identifier
from trialbridge.contracts.ids import LocalPatientId, NetworkId, Pseudonyms, SourceId, SourcePatientKey
from trialbridge.runtime.effects import TableSpec

NET = NetworkId("net")
IDENTIFIERS = st.builds(Identifier, st.sampled_from(["urn:a", "urn:b", ""]), st.sampled_from(["1", "2", "0"]),
                        st.sampled_from(["MR", "NI", "SS", ""]))  # fmt: skip
SEEN = st.builds(
    DemographicsSeen,
    network=st.just(NET),
    key=st.sampled_from([SourcePatientKey(name) for name in "abcd"]),
    source=st.sampled_from([SourceId("t/one"), SourceId("t/two")]),
    local_patient=st.just(LocalPatientId("1")),
    seq=st.integers(1, 3),
    identifiers=st.lists(IDENTIFIERS, max_size=3).map(tuple),
    birth_date=st.sampled_from(["1960-01-01", "1971-02-03", ""]),
    sex=st.sampled_from(["female", "male", ""]),
    merged_into=st.one_of(st.none(), st.none(), st.just(SourcePatientKey("d"))),
)


class Rows:
    """Tables in memory."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}

    def table(self, spec: TableSpec[Any]) -> "Part":
        return Part(self.tables.setdefault(spec.name, {}))


class Part:
    """One of them."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self.rows = rows

    def get(self, key: str) -> Any:
        return self.rows.get(key)

    def put(self, key: str, value: Any, network: NetworkId) -> None:
        assert network == NET
        self.rows[key] = value

    def delete(self, key: str) -> None:
        self.rows.pop(key, None)


@given(st.lists(SEEN, max_size=8))
def test_the_short_way_ends_where_the_long_one_does(said: list[DemographicsSeen]) -> None:
    short, long = Rows(), Rows()
    pseudonyms = Pseudonyms(b"k" * 32)
    for seen in said:
        soon: Any = Network(NET, short, pseudonyms)  # type: ignore[arg-type]
        late: Any = Network(NET, long, pseudonyms)  # type: ignore[arg-type]
        assert soon.take(seen) == late.relink(late.learn(seen))
        assert short.tables == long.tables
