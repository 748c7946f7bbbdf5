"""What a ticket must say, and what it may not."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.coatcheck.desk import TicketDesk
from services.coatcheck.tickets import check_ticket, moment
from tests.unit.services.coatcheck.conftest import LAKELAND, Check, bundle
from trialbridge.contracts.documents import CommandDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.ids import NetworkId
from trialbridge.contracts.topics import EMR_TICKETS
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault.seal import Sealer


@pytest.mark.parametrize(
    "text", ["2026-06-01T08:00:00Z", "2026-06-01T08:00:00.123456+00:00", "2026-06-01T10:00:00-05:30"]
)
def test_times_as_rfc_3339_has_them(text: str) -> None:
    assert moment(text, "created").tzinfo is not None


@pytest.mark.parametrize(
    "text",
    ["2026-06-01", "20260601T080000Z", "2026-W23-1T08:00:00Z", "2026-06-01 08:00:00Z", "2026-06-01T08:00:00", "2026-06-01T08Z",
     "2026-02-30T08:00:00Z", "", "now", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"],
)  # fmt: skip
async def test_other_times_are_refused_with_their_field(check: Check, text: str) -> None:
    _, ticket = await check.store(bundle("1"))
    with pytest.raises(Refused) as refused:
        check_ticket(msgspec.structs.replace(ticket, created=text))
    assert (refused.value.code, refused.value.place.field) == ("ticket.bad-time", "created")


async def test_a_network_without_a_key_is_refused_at_the_desk(check: Check) -> None:
    _, ticket = await check.store(bundle("1"))
    desk = TicketDesk(
        check.documents, Sealer(MemoryKeys(LAKELAND)), lambda: datetime(2026, 6, 1, tzinfo=UTC), timedelta(days=7)
    )

    def asked(network: NetworkId) -> CommandDoc:
        body = msgspec.Raw(msgspec.json.encode(msgspec.structs.replace(ticket, network=network)))
        return CommandDoc(
            id="cmd_1", version=1, to="coatcheck", kind="issue_ticket", tenant="north", actor="a", body=body
        )

    with pytest.raises(Refused) as refused:
        await desk.issue_ticket(asked(NetworkId("nowhere")), check.emitter)
    assert (refused.value.code, refused.value.place.field) == ("ticket.unknown-network", "network")
    assert not check.emitter.of(EMR_TICKETS)
    await desk.issue_ticket(asked(LAKELAND), check.emitter)
    assert len(check.emitter.of(EMR_TICKETS)) == 1
