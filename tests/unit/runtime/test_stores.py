"""Where the stores' credentials come from: files that the settings name, and how they reach the driver."""

from pathlib import Path

import pytest
from pymongo.uri_parser import parse_uri

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stores import mongo_url

URL = "mongodb://one:27017,two:27018/trialbridge?replicaSet=rs0&authSource=admin"


def settings(tmp_path: Path, text: str, url: str = URL) -> BaseServiceSettings:
    file = tmp_path / "credentials"
    file.write_text(text)
    file.chmod(0o600)
    return read_settings(BaseServiceSettings, documents=url, documents_credentials_file=file)


def test_user_and_password_come_from_their_file_whatever_signs_are_in_them(tmp_path: Path) -> None:
    parsed = parse_uri(mongo_url(settings(tmp_path, "ada\np@ss/w:rd %41+?\n")))
    assert (parsed["username"], parsed["password"]) == ("ada", "p@ss/w:rd %41+?")
    assert (parsed["database"], len(parsed["nodelist"]), parsed["options"]["authSource"]) == ("trialbridge", 2, "admin")


def test_without_a_file_the_url_is_taken_as_it_is() -> None:
    assert mongo_url(read_settings(BaseServiceSettings, documents=URL)) == URL


@pytest.mark.parametrize(
    ("text", "url"),
    [("ada\n", URL), ("ada\nb\nc\n", URL), ("ada\nsecret\n", URL.replace("one:", "eve:pass@one:"))],
)
def test_what_is_no_pair_or_stands_in_two_places_is_refused_without_being_told(
    tmp_path: Path, text: str, url: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        mongo_url(settings(tmp_path, text, url))
    assert refused.value.code == "documents.bad-credentials"
    assert "pass" not in refused.value.message.replace("password", "")
    assert "ada" not in refused.value.message


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    given = settings(tmp_path, "ada\nsecret\n")
    assert given.documents_credentials_file is not None
    given.documents_credentials_file.chmod(0o666)
    with pytest.raises(Misconfigured, match="chmod go-w"):
        mongo_url(given)
