"""``trialbridge keys recipient``: keys that practices encrypt to are made, taken over and shown, their public half alone."""

from pathlib import Path

import pytest

from tests.unit.services.cli.conftest import Invoke
from trialbridge.runtime.keys.keyring import create_keyring
from trialbridge.runtime.keys.ring import private_of, read_ring
from trialbridge.vault.recipients import KINDS


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state with a key ring that knows one practice."""
    create_keyring(tmp_path / "state" / "keys.json", ["north"])
    return tmp_path / "state"


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_made_and_its_public_half_written(cli: Invoke, state: Path, kind: str) -> None:
    made = cli("keys", "recipient", "add", "north", "--kind", kind, "--state", state)
    assert made.exit_code == 0, made.output
    assert f"north/{kind}/1" in made.stderr
    shown = cli("keys", "recipient", "export", "north", "--kind", kind, "--state", state)
    assert shown.stdout == made.stdout
    (held,) = private_of(read_ring(state / "keys.json"), "north", kind)
    for secret in (held.secret.decode("latin-1"), "PRIVATE", "SECRET"):
        assert secret not in made.output
    assert f"north/{kind}/1" in cli("keys", "list", "--state", state).stdout


def test_a_key_of_ones_own_is_taken_over(cli: Invoke, state: Path, tmp_path: Path) -> None:
    cli("keys", "recipient", "add", "north", "--kind", "age", "--state", state)
    (held,) = private_of(read_ring(state / "keys.json"), "north", "age")
    (tmp_path / "identity").write_bytes(b"# created\n" + held.secret + b"\n")
    (tmp_path / "other").write_bytes(b"nothing")
    taken = cli("keys", "recipient", "import", "north", "--kind", "age", tmp_path / "identity", "--state", state)
    assert taken.exit_code == 0, taken.output
    assert len(private_of(read_ring(state / "keys.json"), "north", "age")) == 2
    wrong = cli("keys", "recipient", "import", "north", "--kind", "age", tmp_path / "other", "--state", state)
    assert wrong.exit_code != 0
    assert "key.broken" in wrong.output
    unknown = cli("keys", "recipient", "add", "river", "--kind", "age", "--state", state)
    assert "keyring.no-scope" in unknown.output
    assert "key.unknown" in cli("keys", "recipient", "export", "north", "--kind", "cms", "--state", state).output
