"""A root of its own for the generator: the project's sources, and generated files that tests may spoil."""

from pathlib import Path

import pytest

from infra.generate.documents import write

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("services", "tests", "pyproject.toml")


def sources_in(folder: Path) -> Path:
    """Put the project's sources into a folder, and no generated file; return it."""
    for name in SOURCES:
        (folder / name).symlink_to(ROOT / name)
    (folder / "docs").mkdir()
    (folder / "docs" / "promises.toml").write_bytes((ROOT / "docs" / "promises.toml").read_bytes())
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root without generated files, of one test alone."""
    return sources_in(tmp_path)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root with all generated files, which nobody changes."""
    root = sources_in(tmp_path_factory.mktemp("written"))
    write(root)
    return root
