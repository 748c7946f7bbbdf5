"""What the measurement of the coat check is told on its command line."""

import sys

import pytest

from services.cli.bench import coatcheck
from services.cli.bench.coatcheck import MEGABYTES, asked


def test_megabytes_and_container_may_be_left_out() -> None:
    assert asked([]) == (MEGABYTES, "s3-v2")
    assert asked(["0.5"]) == (0.5, "s3-v2")
    assert asked(["1000", "age"]) == (1000.0, "age")


def test_a_container_that_there_is_not_is_answered_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["coatcheck", "1000", "gpg"])
    with pytest.raises(SystemExit, match=r"no container gpg\..*age, aws-encryption-sdk, cms, openpgp, s3-v2, s3-v3"):
        coatcheck.main()


@pytest.mark.parametrize("words", [["much"], ["-1"], ["0"], ["nan"], ["inf"], ["1", "age", "more"]])
def test_any_other_words_are_answered_with_how_it_is_used(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="megabytes"):
        asked(words)
