"""``trialbridge codes``: the queue, suggestions, decisions, their undo and history, and tables that go from house to house."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.patientview.coding import code_id
from services.patientview.reviewing import CodeDesk
from tests.unit.services.cli.conftest import Invoke, lines
from tests.unit.services.cli.test_regulatory import on
from trialbridge.contracts.documents import AUDITS, COMMANDS, LOCAL_CODES, LocalCodeDoc
from trialbridge.contracts.ids import NetworkId, SourceId
from trialbridge.emr.localcodes.codes import LocalCode
from trialbridge.runtime.commands import CommandDesk
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.fakes import MemoryEmitter
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY, SYNTHETIC

NET, LIS = NetworkId("lakeland"), SourceId("north/lis")
HGB, RARE = LocalCode("observation", "L", "HGB", "=Haemoglobin"), LocalCode("condition", display="Rare words")
NAME, RARE_NAME = (code_id(SYNTHETIC, NET, LIS, one.identity) for one in (HGB, RARE))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state with a code that many patients' records hold and one that few do."""
    create_keyring(tmp_path / "keys.json", ["lakeland"], PSEUDONYM_KEY)
    docs = [
        LocalCodeDoc(
            id=name, version=1, network=NET, tenant="north", source=LIS, kind=code.kind, patients=patients, count=99,
            said=msgspec.Raw(msgspec.json.encode(code)),
        )
        for name, code, patients in ((NAME, HGB, 40), (RARE_NAME, RARE, 3))
    ]  # fmt: skip
    on(tmp_path, lambda ports: ports.documents.upsert(LOCAL_CODES, docs))
    return tmp_path


@pytest.fixture
def patientview(state: Path) -> Iterator[None]:
    """Let patientview carry out what it is asked."""
    stop = threading.Event()

    async def work(ports: ServicePorts) -> None:
        desk = CommandDesk(ports.documents, "patientview", 1, CodeDesk(ports.documents, SYNTHETIC).kinds(), ports.now)
        while not stop.is_set():
            await desk.carry_out(MemoryEmitter())
            await asyncio.sleep(0.02)

    thread = threading.Thread(target=on, args=(state, work))
    thread.start()
    yield
    stop.set()
    thread.join()


def test_the_list_shows_no_words_of_few_patients_but_to_their_practice(cli: Invoke, state: Path) -> None:
    found = lines(cli("codes", "list", "--state", state, "--json").stdout)
    assert {(one["id"], one["patients"], one["withheld"]) for one in found} == {
        (NAME, "40", False), (RARE_NAME, "1–10", True),  # noqa: RUF001 -- the sign of small cells
    }  # fmt: skip
    assert "Rare words" not in cli("codes", "list", "--state", state).stdout
    assert "Rare words" in cli("codes", "list", "--tenant", "north", "--state", state).stdout
    assert cli("codes", "list", "--tenant", "hill", "--state", state).stdout == "No such local codes.\n"


def test_suggestions_have_a_score_and_a_reason(cli: Invoke, state: Path) -> None:
    first, *_ = lines(cli("codes", "suggest", NAME, "--state", state, "--json").stdout)
    assert first["target"]["code"] == "718-7"
    said = cli("codes", "suggest", NAME, "--state", state).stdout
    assert first["why"] in said
    assert str(first["score"]) in said


@pytest.mark.usefixtures("patientview")
def test_accept_history_and_undo(cli: Invoke, state: Path) -> None:
    asked = cli(
        "codes", "accept", NAME, "loinc", "718-7", "--name", "hemoglobin", "--note", "catalogue", "--state", state
    )
    assert asked.stdout == f"{NAME}: accepted\n"
    (row,) = lines(cli("codes", "list", "--show", "accepted", "--state", state, "--json").stdout)
    assert (row["target"], row["by"][:4]) == ("loinc 718-7 hemoglobin", "cli:")
    assert cli("codes", "undo", NAME, "--state", state).stdout == f"{NAME}: undone\n"
    steps = lines(cli("codes", "history", NAME, "--state", state, "--json").stdout)
    assert {(one["version"], one["action"], one["after"]) for one in steps} == {
        (1, "accept", "loinc 718-7 hemoglobin"), (2, "undo", ""),
    }  # fmt: skip
    assert "catalogue" in {one["note"] for one in steps}
    events = on(state, lambda ports: collect(ports.documents, AUDITS, Query({"subject": NAME}, limit=9)))
    assert [(one.action, one.tenant) for one in events] == [("cli:code:review", "operator")] * 2


@pytest.mark.usefixtures("patientview")
def test_what_does_not_hold_is_refused_with_its_code(cli: Invoke, state: Path) -> None:
    for arguments, code in (
        (("accept", NAME, "loinc", "718-8"), "codes.bad-target"),
        (("undo", NAME), "codes.nothing-to-undo"),
        (("reject", "lcd_none"), "codes.unknown"),
        (("reject", RARE_NAME), "codes.withheld"),
        (("reject", NAME, "--tenant", "hill"), "codes.unknown"),
    ):
        result = cli("codes", *arguments, "--state", state)
        assert result.exit_code == 1, arguments
        assert code in result.stderr, arguments


def test_without_patientview_the_request_stays_open(cli: Invoke, state: Path) -> None:
    result = cli("codes", "reject", RARE_NAME, "--tenant", "north", "--wait", "0", "--state", state)
    assert result.exit_code == 69
    assert "codes.open" in result.stderr
    (asked,) = on(state, lambda ports: collect(ports.documents, COMMANDS, Query({"to": "patientview"}, limit=9)))
    assert (asked.tenant, asked.network) == ("north", "lakeland")


@pytest.mark.usefixtures("patientview")
def test_an_exported_table_can_be_brought_to_another_feed(cli: Invoke, state: Path, tmp_path: Path) -> None:
    cli("codes", "accept", NAME, "loinc", "718-7", "--state", state)
    cli("codes", "accept", RARE_NAME, "icd10", "C34.1", "--tenant", "north", "--state", state)
    sheet = tmp_path / "codes.csv"
    said = cli("codes", "export", sheet, "--state", state).stdout
    assert "1 mappings; 1 left out" in said
    text = sheet.read_text()
    assert "Rare words" not in text
    assert "'=Haemoglobin" in text
    steps = lines(cli("codes", "history", RARE_NAME, "--state", state, "--json").stdout)
    assert {one["after"] for one in steps} == {"shown to the practice alone"}
    assert "C34.1" in cli("codes", "history", RARE_NAME, "--tenant", "north", "--state", state).stdout
    done = cli("codes", "import", sheet, "--source", "hill/lis", "--tenant", "hill", "--state", state)
    assert done.exit_code == 0, done.stderr
    steps = lines(cli("codes", "history", "--source", "hill/lis", "--state", state, "--json").stdout)
    assert [(one["code"], one["after"]) for one in steps] == [
        (code_id(SYNTHETIC, NET, SourceId("hill/lis"), HGB.identity), "loinc 718-7")
    ]
    (brought,) = lines(
        cli("codes", "list", "--show", "accepted", "--tenant", "hill", "--state", state, "--json").stdout
    )
    assert (brought["code"], brought["patients"]) == ("HGB", "0")
    assert cli("codes", "undo", brought["id"], "--tenant", "hill", "--state", state).exit_code == 0
    cli("codes", "import", sheet, "--source", "hill/lis", "--tenant", "hill", "--state", state)
    assert "1 mappings" in cli("codes", "export", sheet, "--tenant", "hill", "--state", state).stdout


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("network,tenant\n", "codes.bad-sheet", "message 1"),
        ("{head}\nn,t,t/s,observation,L,X,,loinc,718-8,\n", "codes.bad-target", "message 2"),
        (
            "{head}\nn,t,t/s,observation,L,X,,loinc,718-7,\nn,t,t/s,nothing,L,X,,loinc,718-7,\n",
            "codes.bad-sheet",
            "message 3",
        ),
        ("{head}\nn,t,t/s,observation,L,,,loinc,718-7,\n", "codes.bad-sheet", "message 2"),
        ("{head}\n", "codes.bad-sheet", "message 1"),
    ],
)
def test_a_sheet_with_a_bad_row_changes_nothing(
    cli: Invoke, state: Path, tmp_path: Path, text: str, code: str, place: str
) -> None:
    head = "network,tenant,source,kind,system,code,display,to_system,to_code,to_display"
    (tmp_path / "bad.csv").write_text(text.replace("{head}", head))
    result = cli("codes", "import", tmp_path / "bad.csv", "--state", state)
    assert result.exit_code == 1
    assert code in result.stderr
    assert place in result.stderr
    assert on(state, lambda ports: collect(ports.documents, COMMANDS, Query({"to": "patientview"}, limit=9))) == []
