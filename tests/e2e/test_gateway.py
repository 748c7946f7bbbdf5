"""HL7 v2 through the front door to patient views, by HTTP and MLLP, embedded and on the test bed."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.e2e.running import cluster
from tests.e2e.sending import RECORDS, TICKETS, Door, adt_message, cluster_door, running

FORM = {"content-type": "application/x-www-form-urlencoded"}


def send_and_see(door: Door) -> None:
    """Send messages in each way and wait for their views; every record leads to a bundle and its ticket."""
    status, ack = door.post(adt_message(1))
    assert (status, b"MSA|AA|LOAD00000001" in ack) == (200, True)
    assert door.post(adt_message(1))[0] == 200
    assert b"MSA|AA|LOAD00000002" in door.mllp(adt_message(2))
    asked = {"grant_type": "client_credentials", "client_id": "engine", "client_secret": door.secret}
    status, given = door.post(urlencode(asked).encode(), "/oauth/token", FORM)
    assert status == 200
    bearer = {"authorization": f"Bearer {json.loads(given)['access_token']}", "content-type": "application/hl7-v2"}
    batch = b"BHS|^~\\&|EHR\r" + adt_message(3) + adt_message(4) + b"BTS|2\r"
    status, ack = door.post(batch, headers=bearer)
    assert (status, ack.count(b"MSA|AA|")) == (200, 2)
    assert door.post(adt_message(5), headers=bearer | {"authorization": "Bearer no"})[0] == 401
    assert b"MSA|AR" in door.mllp(b"nonsense")
    door.wait_for({1, 2, 3, 4})
    assert "L00000005" not in door.patients()
    tickets = {doc.id: doc for doc in door.documents(TICKETS)}
    records = door.documents(RECORDS)
    assert len(records) == 4
    for record in records:
        ticket = tickets[record.ticket]
        assert (ticket.sha256, ticket.object_uri) == (record.bundle_sha256, record.object_uri)


@pytest.mark.e2e
def test_messages_become_views_in_one_process(tmp_path: Path) -> None:
    with running(tmp_path) as door:
        send_and_see(door)
        door.stop()
    log = (tmp_path / "run.log").read_text()
    assert not [word for word in ("L0000000", "LOAD0000", "Lake Road", door.key, door.secret) if word in log]


@pytest.mark.integration
def test_messages_become_views_on_the_cluster(tmp_path: Path) -> None:
    with cluster(tmp_path, ("patientview",)) as services:
        send_and_see(cluster_door(services))
        assert "Lake Road" not in services.logs()
