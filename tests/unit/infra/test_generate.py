"""The generated documents: red when the code moved on, complete, and true."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter

from infra.generate import __main__ as command
from infra.generate import documents, key_notes, language_pages
from infra.generate.documents import DOCUMENTS, ROOT, stale, write
from infra.generate.faults import Fault
from infra.generate.services import services, settings_of
from infra.generate.settings import PLAIN_FILES, SECRETS, env_name
from trialbridge.contracts import topics
from trialbridge.contracts.topics import Topic
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.telemetry import metrics

TOPIC_PAGES = ["infra/kafka/topics.yaml", "docs/asyncapi.yaml", "docs/topics.md"]


def change(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    """Let the registry's first topic be another."""
    first: Topic[Any] = dataclasses.replace(topics.ALL[0], **changed)
    monkeypatch.setattr(topics, "ALL", (first, *topics.ALL[1:]))


def test_what_was_written_is_not_stale_and_is_written_once(root: Path) -> None:
    assert stale(root) == list(DOCUMENTS)
    assert write(root) == list(DOCUMENTS)
    assert stale(root) == []
    assert write(root) == []


@pytest.mark.parametrize(
    ("changed", "pages"),
    [
        ({"retention_ms": 86_400_000}, TOPIC_PAGES),
        ({"retention_ms": None}, TOPIC_PAGES),
        ({"key": "something else"}, TOPIC_PAGES[1:]),
        ({"sealed": True}, TOPIC_PAGES[1:]),
        ({"readers": ("coatcheck", "matcher")}, TOPIC_PAGES[1:]),
        ({"version": 2}, TOPIC_PAGES[1:]),
    ],
)
def test_a_changed_topic_makes_its_pages_stale(
    written: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], pages: list[str]
) -> None:
    change(monkeypatch, **changed)
    assert stale(written) == pages


def test_the_check_names_the_stale_files_and_how_to_mend_them(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(documents.stale, "__defaults__", (root,))
    monkeypatch.setattr(documents.write, "__defaults__", (root,))
    assert command.main([]) == 0
    assert command.main(["--check"]) == 0
    (root / "docs/topics.md").write_text("edited by hand\n")
    capsys.readouterr()
    assert command.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "docs/topics.md" in said
    assert "make docs" in said
    assert "docs/metrics.md" not in said
    assert (root / "docs/topics.md").read_text() == "edited by hand\n"


def test_a_wrong_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--chekc"]) == 2
    assert "usage" in capsys.readouterr().err


def test_every_setting_of_every_service_is_there(root: Path) -> None:
    page = DOCUMENTS["docs/settings.md"](root)
    assert {"coatcheck", "matcher", "portal"} <= set(services(root))
    for service in services(root):
        for name, field in settings_of(service).model_fields.items():
            assert f"| `{env_name(name)}` |" in page
            assert field.description
            assert " ".join(field.description.split()) in page


def test_a_setting_without_a_description_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseServiceSettings.model_fields["partitions"], "description", None)
    with pytest.raises(Fault, match="partitions of every service has no description"):
        DOCUMENTS["docs/settings.md"](root)


def test_every_setting_that_names_a_file_is_known_to_be_secret_or_not(root: Path) -> None:
    for service in services(root):
        for name, field in settings_of(service).model_fields.items():
            if "Path" in str(field.annotation):
                assert name in SECRETS | PLAIN_FILES, (
                    f"is {name} of {service} a secret? Say so in infra/generate/settings.py"
                )


def test_every_metric_of_the_registry_is_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCUMENTS["docs/metrics.md"](root)
    for described in metrics.REGISTRY.collect():
        assert described.name in page
        assert described.documentation in page
    monkeypatch.setattr(
        metrics, "FRESH", Counter("trialbridge_fresh_total", "Said.", ("stage",), registry=None), raising=False
    )
    assert "| `trialbridge_fresh_total` | counter | `stage` | Said. |" in DOCUMENTS["docs/metrics.md"](root)


def test_the_message_payloads_of_the_asyncapi_document_are_complete(root: Path) -> None:
    document = yaml.safe_load(DOCUMENTS["docs/asyncapi.yaml"](root))
    schemas = document["components"]["schemas"]
    for topic in topics.ALL:
        assert set(topic.payload.__struct_fields__) == set(schemas[topic.payload.__name__]["properties"])
        assert topic.type in {message["name"] for message in document["components"]["messages"].values()}
        for party in topic.readers:
            assert document["operations"][f"{party}.receive.{topic.name}"]["action"] == "receive"
    for reference in references(document):
        assert resolve(document, reference) is not None
    assert schemas["FactsContributed"]["properties"]["facts"]["default"] == []
    assert schemas["TicketIssued"]["properties"]["size"]["description"] == "Bytes of the object as stored (encrypted)."


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        return (
            [str(value["$ref"])] if "$ref" in value else [found for one in value.values() for found in references(one)]
        )
    return [found for one in value for found in references(one)] if isinstance(value, list) else []


def resolve(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


def test_a_key_that_nothing_is_said_of_stops_the_pages(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(key_notes.NOTES, ("lab", "unit"))
    with pytest.raises(Fault, match=r"lab\.unit"):
        DOCUMENTS["docs/language/lab.md"](root)


def test_a_changed_example_is_another_page(tmp_path: Path) -> None:
    name = "docs/language/age.md"
    before = DOCUMENTS[name](ROOT)
    shutil.copytree(ROOT / language_pages.EXAMPLES, tmp_path / language_pages.EXAMPLES)
    assert DOCUMENTS[name](tmp_path) == before
    page = tmp_path / language_pages.EXAMPLES / "age.yaml"
    page.write_text(page.read_text().replace("verdict: unknown", "verdict: met", 1))
    assert DOCUMENTS[name](tmp_path) != before
