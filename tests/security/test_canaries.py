"""Planted identifiers through good and failing ways, at log level debug: none of them may be seen anywhere but where it belongs."""

import asyncio
import logging
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running import trialbridge
from tests.security import leaks as look
from tests.security.housing import settings
from tests.security.leaks import leaks
from tests.security.planting import Seen, captured, run
from trialbridge.contracts import topics
from trialbridge.runtime.telemetry import logs
from trialbridge.testkit.badinputs.planted import BIRTH
from trialbridge.testkit.canaries import TEXTS, find_canaries, of_kind
from trialbridge.testkit.places import NETWORK, NORTH

OF_TRIALS: Final = ("trials", "commands", "matches", "match_events")
"""Collections that hold, in clear, as the registry says, what laboratories write; a trial is no record of a patient."""
TRIALS_TABLE_1: Final = "trialbridge-matcher-trials-changelog"
TRIALS_TABLE_2: Final = "trialbridge-matchbook-trials-changelog"
USED: Final = frozenset({"emr_records", "patient_demographics", "patient_links", "patient_contributions", "patient_views",
                         "trial_matches", "dead_letters"})  # fmt: skip
"""Topics that every run fills."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Return what one run showed and left behind."""
    folder = tmp_path_factory.mktemp("planted")
    made = Seen(folder / "state")
    with captured(made, folder / "printed"):
        asyncio.run(run(made))
    return made


def test_the_identifiers_came_in_by_good_and_by_failing_ways(seen: Seen) -> None:
    shown = b"".join(bytes(one.display) + bytes(one.facts) for one in seen.found["patients"])
    assert set(find_canaries(shown)) >= {of_kind("family")[0], *of_kind("given"), *of_kind("mrn")}
    assert BIRTH.encode() in shown
    kept = b"".join(one.payload for one in seen.found["dead_letters"])
    assert set(find_canaries(kept)) == set(TEXTS)
    codes = Counter(one.code for one in seen.found["dead_letters"])
    assert len(codes) >= 18
    assert codes["wire.payload-invalid"] == codes["records.resources-invalid"] == len(TEXTS)
    assert sum(codes.values()) > 500
    asked = b"".join(bytes(one.body) for one in seen.found["commands"])
    assert set(find_canaries(asked)) == set(TEXTS)
    assert {one.id for one in seen.found["trials"]} == {"TB-ADULTS", "TB-PLANTED-1"}
    assert seen.found["matches"]


def test_nothing_is_logged_or_printed(seen: Seen) -> None:
    assert "a record was set aside" in seen.log
    assert '"level":"debug"' in seen.log
    assert leaks([("log", seen.log.encode()), ("standard output and error", seen.printed)]) == []


def test_a_defect_is_logged_without_the_words_of_its_exception(tmp_path: Path) -> None:
    seen = Seen(tmp_path)
    with captured(seen, tmp_path / "printed"):
        for log in (logs.logger("stage"), logging.getLogger("asyncio")):
            try:
                int(TEXTS[0])
            except ValueError:
                log.exception(
                    "a handler failed %s", "somewhere", extra={"patient": TEXTS[2], "code": "stage.unexpected"}
                )
    assert seen.log.count('"exception":"ValueError"') == 2
    assert leaks([("log", seen.log.encode()), ("printed", seen.printed)]) == []


def test_metrics_say_nothing(seen: Seen) -> None:
    assert b'code="fhir.invalid"' in seen.metrics
    assert leaks([("metrics", seen.metrics)]) == []


def test_error_answers_repeat_nothing(seen: Seen) -> None:
    assert len(seen.answers) > 1000
    assert seen.statuses >= {400, 401, 403, 404, 422}
    assert not [where for where, _ in seen.answers if " 5" in where]
    assert leaks(iter(seen.answers)) == []


def test_keys_headers_and_traces_of_messages_say_nothing(seen: Seen) -> None:
    pieces = list(look.keys_and_headers(seen.state))
    assert {"header traceparent in dead_letters", "header ce_id in emr_records", "key in emr_records"} <= {
        w for w, _ in pieces
    }
    assert leaks(iter(pieces)) == []


def test_sealed_topics_and_tables_are_sealed(seen: Seen) -> None:
    assert look.unsealed_in_sealed_topics(seen.state) == []
    counts = look.sealed_messages(seen.state)
    assert min(counts[topic.name] for topic in topics.ALL if topic.sealed and topic.name in USED) > 0
    assert counts["trialbridge-patientview-source_patients-changelog"] > 0


def test_the_bytes_of_all_stores_and_the_names_of_objects_say_nothing(seen: Seen) -> None:
    assert seen.records_only == []


def test_only_what_laboratories_wrote_stands_in_clear(seen: Seen) -> None:
    assert leaks(look.open_values(seen.state, without=("trial_criteria", TRIALS_TABLE_1, TRIALS_TABLE_2))) == []
    assert leaks(look.clear_fields(seen.state, without=OF_TRIALS)) == []
    names = [piece for piece in look.files(seen.state) if piece[0] == "name of a file"]
    assert leaks(iter(names)) == []


def test_a_file_named_after_a_patient_leaves_no_trace_of_its_name(tmp_path: Path) -> None:
    state = tmp_path / "state"
    given = {name: value for name, value in settings(state).items() if name != "poll_interval"}
    environment = {f"TRIALBRIDGE_{name.upper()}": str(value) for name, value in given.items()}
    file = tmp_path / f"{TEXTS[0]}_{TEXTS[4]}.ndjson"
    file.write_bytes(b"{}\n")
    arguments = ("ticket", file, "--tenant", NORTH.tenant, "--source", NORTH.id, "--network", NETWORK, "--wait", "0")
    done = trialbridge(*arguments, "--json", environment=environment)
    assert "tkt_" in done.stdout, done.stderr
    assert leaks(look.files(state)) == []
    assert leaks([("output", done.stdout.encode()), ("error", done.stderr.encode())]) == []
