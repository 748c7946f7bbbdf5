"""The command in processes of its own: the demo on a small folder, tickets and replays on running services, terminals, ends."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.cells import cell_len

from tests.e2e.running import PATIENCE, clean_environment, demo, kill, trialbridge, wait_until

COMMAND = (sys.executable, "-m", "services.cli")
BOXES = set("┏┃━│└╸")
TRIAL = """\
id: T-OWN
title: Lung cancer, adults
phase: II
lab: l
sites: [{id: north, name: North, status: recruiting, country: US}]
criteria:
  all:
    - age: {min: 18}
    - performance: {scale: ecog, max: 2}
"""


def patient(name: str) -> list[dict[str, object]]:
    """Return the resources of one adult with consent and ECOG 1."""
    subject = {"reference": f"Patient/{name}"}
    return [
        {
            "resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1960-02-03",
            "identifier": [{"type": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
                "system": "urn:oid:1.2.3", "value": f"m-{name}"}],
        },
        {
            "resourceType": "Observation", "id": f"e-{name}", "status": "final", "subject": subject,
            "effectiveDateTime": "2026-05-20", "valueInteger": 1,
            "code": {"coding": [{"system": "http://loinc.org", "code": "89247-1"}]},
        },
    ]  # fmt: skip


def bundle(name: str) -> bytes:
    """Return a patient as a FHIR bundle."""
    entries = [{"resource": one} for one in patient(name)]
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def v2_messages(mrn: str) -> bytes:
    """Return an admission and an ECOG result in HL7 v2."""
    who = f"PID|1||{mrn}^^^NORTH^MR||Example^Kim||19550203|M"
    return b"\r".join(
        line.encode()
        for line in (
            "MSH|^~\\&|EHR|NORTH|TB|NET|20260501080000||ADT^A01|1|P|2.5.1", "EVN|A01|20260501080000", who, "PV1|1|O",
            "MSH|^~\\&|EHR|NORTH|TB|NET|20260502080000||ORU^R01|2|P|2.5.1", who, "OBR|1|||89247-1^ECOG^LN|||20260502",
            "OBX|1|NM|89247-1^ECOG^LN||1||||||F|||20260502",
        )
    ) + b"\r"  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a folder of records (a bundle, v2 messages, one file that is broken) and a folder with one trial."""
    data, trials = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("trials")
    (data / "eva.json").write_bytes(bundle("eva"))
    (data / "kim.hl7").write_bytes(v2_messages("4711"))
    (data / "broken.json").write_text('{"resourceType": "Bundle", "entry": [{}]}')
    (trials / "own.yaml").write_text(TRIAL)
    return data, trials


@pytest.fixture(scope="module")
def state(own: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state that a run of the demo on the small folder leaves behind."""
    data, trials = own
    folder = tmp_path_factory.mktemp("state")
    result = demo(folder, "--data", str(data), "--trials", str(trials))
    assert result["patients"] == result["views"] == 2
    assert result["proposed"] == 2
    assert sum(result["dead_letters"].values()) == 1
    assert result["refused"] == []
    return folder


@contextlib.contextmanager
def services(state: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield all services, running on a state; they must end in order on SIGINT."""
    process = subprocess.Popen(
        [*COMMAND, "run", "--state", str(state)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=clean_environment({"TRIALBRIDGE_PORTAL_PORT": "0", "TRIALBRIDGE_POLL_INTERVAL": "0.1",
                               "TRIALBRIDGE_LOG_LEVEL": "error", "TRIALBRIDGE_AS_OF": "2026-06-01"}),
    )  # fmt: skip
    try:
        assert process.stderr is not None
        while "Running: " not in process.stderr.readline():
            assert process.poll() is None, "the services did not start"
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_demo_on_a_folder_of_ones_own_says_what_was_refused(own: tuple[Path, Path], tmp_path: Path) -> None:
    data, trials = own
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "good.yaml").write_text((trials / "own.yaml").read_text())
    (tmp_path / "trials" / "bad.yaml").write_text(TRIAL.replace("T-OWN", "T-BAD").replace("criteria:", "critera:"))
    done = trialbridge("demo", "--once", "--data", data, "--trials", tmp_path / "trials", "--state", tmp_path / "state")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "Refused: bad.yaml: trial.unknown-key: critera: " in done.stdout
    assert "did you mean 'criteria'?" in done.stdout
    assert not set(done.stdout) & (BOXES | {"\x1b"})
    for word in ("Patients", "Proposed", "Approved", "Potentially", "Withdrawn", "Notified", "Dead letters", "busy s"):
        assert word in done.stdout
    assert f"trialbridge dead-letters list --state {tmp_path / 'state'}" in done.stdout


def test_tickets_and_replays_on_running_services(state: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "ada.json", tmp_path / "bad.json"
    good.write_bytes(bundle("ada"))
    bad.write_text("not FHIR")
    who = ("--tenant", "own-data", "--source", "own-data/more", "--state", state)
    with services(state):
        redeemed = trialbridge("ticket", "issue", good, *who, "--json")
        refused = trialbridge("ticket", "issue", bad, *who, "--json")
        letter = _lines(trialbridge("dead-letters", "list", "--state", state, "--json").stdout)[0]
        shown = trialbridge("dead-letters", "show", letter["id"], "--state", state)
        replayed = trialbridge("dead-letters", "replay", letter["id"], "--state", state)
        # Nothing was mended: the same letter is open once more.
        wait_until(lambda: _letter(state, letter["id"])["failures"] > letter["failures"])
        again = _letter(state, letter["id"])
        dropped = trialbridge("dead-letters", "discard", letter["id"], "--reason", "Never mended.", "--state", state)
        taken = trialbridge("run", "--state", state)
    assert redeemed.returncode == 0, redeemed.stderr
    assert (_lines(redeemed.stdout)[0]["status"], _lines(redeemed.stdout)[0]["patients"]) == ("redeemed", 1)
    found = _lines(refused.stdout)[0]
    assert found["set_aside"] == 1 or (refused.returncode == 1 and found["code"])
    assert letter["code"] in shown.stdout
    assert replayed.returncode == 0, replayed.stderr
    assert taken.returncode == 78
    assert "log.in-use" in taken.stderr
    assert trialbridge("doctor", "--state", state).returncode == 0
    listed = trialbridge("ticket", "list", "--state", state, "--json")
    assert len(_lines(listed.stdout)) == 5
    assert (again["status"], again["failures"]) == ("open", 2)
    assert dropped.returncode == 0, dropped.stderr
    assert _letter(state, letter["id"])["status"] == "discarded"


def _lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]


def _letter(state: Path, identity: str) -> dict[str, Any]:
    every = _lines(trialbridge("dead-letters", "list", "--all", "--state", state, "--json").stdout)
    return next(one for one in every if one["id"] == identity)


def test_the_demo_on_public_samples(shared_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for source in ("fhir-r4-synthea", "hl7v2"):
        (data / source).mkdir(parents=True)
        for path in (shared_data / source).iterdir():
            (data / source / path.name).symlink_to(path)
    result = demo(tmp_path / "state", "--data", str(data))
    assert result["patients"] > 5
    assert result["proposed"] > 0
    assert sum(result["dead_letters"].values()) > 0


def on_terminal(arguments: Sequence[str | Path], columns: int, environment: Mapping[str, str] | None = None) -> str:
    """Run the command on a terminal of so many columns and return all that it wrote."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    given = clean_environment({"TERM": "xterm-256color", **(environment or {})})
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        given.pop(name, None)
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs, env=given, start_new_session=True
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux ends a closed terminal so.
        while chunk := os.read(ours, 65536):
            written += chunk
    os.close(ours)
    assert process.wait(60) in {0, 1}
    return written.decode()


def plain(text: str) -> list[str]:
    """Return the lines of a terminal's text without its controls."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n").split("\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_live_view_and_the_summary_fit_a_terminal(own: tuple[Path, Path], tmp_path: Path, columns: int) -> None:
    data, trials = own
    text = on_terminal(("demo", "--once", "--data", data, "--trials", trials, "--state", tmp_path / "s"), columns)
    assert "\x1b[" in text
    told = plain(text)
    said = "\n".join(told)
    for word in ("patientview", "records", "set aside", "behind", "bundles opened or refused"):
        assert word in said
    assert ("links persons, folds views" in said) == (columns >= 100)
    for word in ("What came out", "What is missing most often", "Approved", "Dead letters", "Hash of all matches"):
        assert word in said or word == "What is missing most often"
    # Commands to copy and hashes are not broken; everything else fits.
    whole = ("All of them", "Hash of all matches")
    assert max(cell_len(line.rstrip()) for line in told if not line.startswith(whole)) <= columns


def test_match_and_convert_show_a_bar_on_a_terminal_alone(own: tuple[Path, Path], tmp_path: Path) -> None:
    data, trials = own
    for arguments in (("match", data, trials), ("convert", data, "--out", tmp_path / "out")):
        assert "files" in on_terminal(arguments, 80).replace(str(data), "")
        assert "━" in on_terminal(arguments, 80)
        piped = trialbridge(*arguments)
        assert not set(piped.stdout + piped.stderr) & (BOXES | {"\x1b"})
    listed = on_terminal(("match", data, trials, "--json"), 80)
    assert "━" not in listed


def test_a_reader_that_goes_away_leaves_no_trace_of_a_fault(own: tuple[Path, Path], tmp_path: Path) -> None:
    data, trials = own
    for arguments in (
        ("match", data / "eva.json", trials, "--json"),
        ("demo", "--once", "--data", data, "--trials", trials, "--state", tmp_path),
    ):
        words = " ".join(map(str, (*COMMAND, *arguments)))
        done = subprocess.run(
            ["bash", "-c", f"{words} | true"], capture_output=True, text=True, check=False, env=clean_environment()
        )
        assert done.stderr == ""


def test_an_interrupted_demo_ends_with_130_and_goes_on_later(own: tuple[Path, Path], tmp_path: Path) -> None:
    data, trials = own
    arguments = ("--data", str(data), "--trials", str(trials))
    process = subprocess.Popen(
        [*COMMAND, "demo", "--once", "--state", str(tmp_path), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), start_new_session=True,
    )  # fmt: skip
    try:
        wait_until((tmp_path / "log.db").exists)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE)
    finally:
        kill(process)
    assert process.returncode == 130
    assert told == b"Stopped; the same command goes on from here.\n"
    assert demo(tmp_path, *arguments)["patients"] == 2


def test_a_fault_of_the_product_is_one_line(tmp_path: Path) -> None:
    broken = (
        "import sys; from services.cli import app, __main__ as command; sys.argv = ['trialbridge', 'match']; "
        "app.COMMANDS['match'] = ('services.cli.absent', 'match'); command.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken], capture_output=True, text=True, check=False, env=clean_environment()
    )
    assert done.returncode == 70
    assert done.stderr.startswith("trialbridge: cli.fault: A fault of the product (ModuleNotFoundError at ")
    assert len(done.stderr.splitlines()) == 1
