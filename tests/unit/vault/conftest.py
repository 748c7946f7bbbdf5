"""A key ring for the vault's tests."""

from pathlib import Path

import pytest

from trialbridge.runtime.keys.keyring import FileKeyRing, create_keyring, read_keyring


@pytest.fixture
def ring(tmp_path: Path) -> FileKeyRing:
    """Return a ring with two tenants and a network."""
    create_keyring(tmp_path / "keys.json", ["north", "hill", "lakeland"])
    return read_keyring(tmp_path / "keys.json")
