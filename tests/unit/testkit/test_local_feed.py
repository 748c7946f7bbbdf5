"""A person's own folder becomes bundles: one for each record file, a source for each subfolder or format."""

import gzip
from pathlib import Path

import pytest

from trialbridge.contracts.errors import Misconfigured
from trialbridge.testkit.local_feed import local_bundles


def test_each_record_file_is_one_bundle_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "ward").mkdir()
    (tmp_path / "ward" / "a.json").write_bytes(b'{"resourceType":"Bundle"}')
    (tmp_path / "b.HL7").write_bytes(b"MSH|^~\\&|\r")
    (tmp_path / "README.md").write_bytes(b"not a record")
    bundles = local_bundles(tmp_path)
    assert [(bundle.source, bundle.media_type) for bundle in bundles] == [
        ("own-data/hl7v2", "x-application/hl7-v2+er7"),
        ("own-data/ward", "application/fhir+json"),
    ]
    assert gzip.decompress(bundles[1].body) == b'{"resourceType":"Bundle"}'
    assert local_bundles(tmp_path) == bundles


def test_names_of_files_are_no_part_of_keys(tmp_path: Path) -> None:
    for name in ("Quillonbraxe_Ann.json", "Quillonbraxe_Bob.json"):
        (tmp_path / name).write_bytes(b"{}")
    keys = [bundle.key for bundle in local_bundles(tmp_path)]
    assert len(set(keys)) == 2
    assert not any("Quillonbraxe" in key for key in keys)


def test_a_missing_or_empty_folder_says_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"demo\.data-missing"):
        local_bundles(tmp_path / "nowhere")
    with pytest.raises(Misconfigured, match=r"\.ndjson"):
        local_bundles(tmp_path)


def test_public_sample_records_are_taken_in(shared_data: Path) -> None:
    patients = local_bundles(shared_data / "fhir-r4-synthea")
    messages = local_bundles(shared_data / "hl7v2")
    assert len(patients) == 5
    assert len(messages) >= 28
    assert {bundle.media_type for bundle in messages} == {"x-application/hl7-v2+er7"}
