"""A folder of tables: checked before it is put in force, and whole at every moment."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from tests.unit.criteria.terms import CUSTOM, HGNC, TREE, encoded, table
from trialbridge.contracts.errors import Misconfigured
from trialbridge.criteria.terminology import Table, genes, oncotree, use, versions
from trialbridge.runtime.serve import open_ports
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stores import create_keyring
from trialbridge.runtime.terminology import MANIFEST, entry_of, read_folder, store_table, use_terminology


@pytest.fixture(autouse=True)
def _packaged() -> Iterator[None]:
    yield
    use({})


def store(folder: Path, one: Table) -> None:
    store_table(folder, one.name, one.text, entry_of(one.name, one.text, one.version, "file.txt", b"the file"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a tree and genes."""
    made = tmp_path / "terms"
    store(made, table("oncotree", encoded(TREE), "2025_10_03"))
    store(made, table("hgnc", HGNC.encode(), "2026-01-06"))
    return made


def names(folder: Path) -> set[str]:
    return {path.name.split("-")[0] for path in folder.iterdir() if not path.name.startswith(".")}


def test_what_was_stored_is_read_and_put_in_force(folder: Path) -> None:
    assert read_folder(folder) == {
        "genes": table("hgnc", HGNC.encode(), "2026-01-06"),
        "oncotree": table("oncotree", encoded(TREE), "2025_10_03"),
    }
    use_terminology(folder)
    assert (oncotree.resolve("OLDLUAD"), genes.approved("ERRP")) == ("LUAD", "EGFR")
    assert " oncotree:2025_10_03@" in versions()
    use_terminology(None)
    assert oncotree.resolve("OLDLUAD") is None


def test_a_table_takes_the_place_of_the_one_before(folder: Path) -> None:
    store(folder, table("hgnc", CUSTOM.encode(), "next"))
    assert len(list(folder.glob("genes-*"))) == 1
    assert read_folder(folder)["genes"].version == "next"
    store(folder, table("hgnc", CUSTOM.encode(), "again"))
    assert read_folder(folder)["genes"].version == "again"
    assert names(folder) == {"genes", "oncotree", MANIFEST}


@pytest.mark.parametrize("step", range(1, 7))
def test_a_crash_at_any_step_leaves_the_old_table_or_the_new_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    old, new = table("hgnc", HGNC.encode(), "2026-01-06"), table("hgnc", CUSTOM.encode(), "next")
    calls = iter(range(1, 100))

    def failing(real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            if next(calls) == step:
                raise OSError
            real(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", failing(os.fsync))
    monkeypatch.setattr(Path, "replace", failing(os.replace))
    with pytest.raises(Misconfigured) as raised:
        store(folder, new)
    assert raised.value.code == "terminology.unwritable"
    assert read_folder(folder)["genes"] in (old, new)
    assert not list(folder.glob("*.part")) + list(folder.glob(".*.part"))


def broken(folder: Path, name: str, change: Any) -> Path:
    """Change a table's text and make the manifest agree, as somebody who edits by hand may."""
    manifest = orjson.loads((folder / MANIFEST).read_bytes())
    entry = manifest["tables"][name]
    text = change((folder / entry["file"]).read_text())
    (folder / entry["file"]).write_text(text)
    entry["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest))
    return folder / str(entry["file"])


def refused(folder: Path) -> Misconfigured:
    with pytest.raises(Misconfigured) as raised:
        read_folder(folder)
    return raised.value


@pytest.mark.parametrize(("name", "old", "new", "line"), [
    ("oncotree", "\tLung\t", "\t\t", 5), ("oncotree", "LUAD\tNSCLC", "LUAD\tNOWHERE", 7), ("oncotree", "LUAD\t", "LUNG\t", 7),
    ("oncotree", "LUAD\tNSCLC\t", "LUAD\t", 7), ("oncotree", "OLDLUAD", "OLD LUAD", 7), ("oncotree", " 1 oncotree", " 2 oncotree", 1),
    ("genes", "EGFR\t", "E GFR\t", 3), ("genes", "EGFR\t", "KMT2A\t", 4), ("genes", "EGFR\t", "EGFR", 3),
])  # fmt: skip
def test_a_bad_row_is_named_with_its_file_line_and_how_to_mend_it(
    folder: Path, name: str, old: str, new: str, line: int
) -> None:
    path = broken(folder, name, lambda text: text.replace(old, new, 1))
    error = refused(folder)
    assert error.code == "terminology.bad-row"
    assert error.message.startswith(f"{path}:{line} ")
    word = {"genes": "hgnc"}.get(name, name)
    assert error.message.endswith(f"trialbridge terminology import {word} FILE --into {folder}")


def test_a_table_without_its_end_is_refused(folder: Path) -> None:
    broken(folder, "genes", lambda text: text[:-1])
    assert refused(folder).code == "terminology.bad-row"


def test_a_changed_table_is_refused(folder: Path) -> None:
    (path,) = folder.glob("genes-*")
    path.write_text(path.read_text().replace("ERRP", "ERRQ"))
    error = refused(folder)
    assert error.code == "terminology.table-changed"
    assert str(path) in error.message


def test_a_missing_table_is_refused(folder: Path) -> None:
    next(folder.glob("genes-*")).unlink()
    assert refused(folder).code == "terminology.table-missing"


@pytest.mark.parametrize("change", [
    lambda text: "", lambda text: text[:-20], lambda text: "[]", lambda text: text.replace('"rows"', '"rowz"'),
    lambda text: text.replace('"genes-', '"../genes-'), lambda text: text.replace('"form": 1', '"form": 2'),
    lambda text: text.replace('"genes":', '"labs":'), lambda text: "[" * 100_000, lambda text: text.replace("2026-01-06", "a b"),
])  # fmt: skip
def test_a_manifest_that_is_none_is_refused(folder: Path, change: Any) -> None:
    path = folder / MANIFEST
    path.write_text(change(path.read_text()))
    error = refused(folder)
    assert error.code == "terminology.bad-manifest"
    assert str(path) in error.message
    with pytest.raises(Misconfigured):
        store(folder, table("hgnc", CUSTOM.encode()))


def test_a_folder_that_is_not_there_is_refused_with_how_to_make_it(tmp_path: Path) -> None:
    error = refused(tmp_path / "none")
    assert error.code == "terminology.missing"
    assert "trialbridge terminology import" in error.message


def test_what_was_in_force_stays_where_a_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    use_terminology(folder)
    with pytest.raises(Misconfigured):
        use_terminology(tmp_path / "none")
    assert oncotree.resolve("OLDLUAD") == "LUAD"


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Misconfigured) as raised:
        store(tmp_path / "file", table("hgnc", CUSTOM.encode()))
    assert raised.value.code == "terminology.unwritable"


def test_the_manifest_says_what_was_imported(folder: Path) -> None:
    entry = msgspec.json.decode((folder / MANIFEST).read_bytes())["tables"]["oncotree"]
    text = table("oncotree", encoded(TREE)).text.encode()
    assert entry == {
        "file": f"oncotree-{hashlib.sha256(text).hexdigest()[:12]}.tsv",
        "sha256": hashlib.sha256(text).hexdigest(),
        "rows": 12,
        "version": "2025_10_03",
        "source": "file.txt",
        "source_sha256": hashlib.sha256(b"the file").hexdigest(),
    }


async def test_a_service_puts_the_tables_of_its_setting_in_force(folder: Path, tmp_path: Path) -> None:
    create_keyring(tmp_path / "keys.json", ["default"])
    given = {
        "broker": f"trialbridge-embedded://{tmp_path}/log.db", "documents": f"sqlite://{tmp_path}/documents.db",
        "objects": f"file://{tmp_path}/objects", "keyring": tmp_path / "keys.json",
    }  # fmt: skip
    async with open_ports(read_settings(BaseServiceSettings, **given, terminology=folder)):
        assert oncotree.resolve("OLDLUAD") == "LUAD"
    async with open_ports(read_settings(BaseServiceSettings, **given)):
        assert oncotree.resolve("OLDLUAD") is None
    with pytest.raises(Misconfigured):
        async with open_ports(read_settings(BaseServiceSettings, **given, terminology=tmp_path / "none")):
            pass
