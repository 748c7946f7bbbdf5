"""A root of its own for the generator: the project's sources, and generated files that tests may spoil."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("services", "tests", "pyproject.toml")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root that holds the project's sources and no generated file."""
    for name in SOURCES:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "promises.toml").write_bytes((ROOT / "docs" / "promises.toml").read_bytes())
    return tmp_path
