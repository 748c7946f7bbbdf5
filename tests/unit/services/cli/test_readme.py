"""What the README says of exit codes, commands and facts is what the command does."""

import re
from pathlib import Path
from typing import get_args

import pytest

from services.cli import output
from services.cli.app import COMMANDS
from tests.unit.services.cli.conftest import Invoke, lines
from trialbridge.criteria.facts import AnyFact

README = Path(output.__file__).with_name("README.md").read_text()


def test_its_exit_codes_are_the_programs() -> None:
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert written == {value for name, value in vars(output).items() if name.startswith("EXIT_")}


def test_it_names_every_command() -> None:
    told = {words.split()[0] for words in re.findall(r"^\| `([a-z][^`]*)`", README, re.MULTILINE)}
    assert told == set(COMMANDS)


def test_it_names_every_kind_of_fact() -> None:
    listed = README.partition("Kinds: `")[2].partition("`")[0]
    assert re.findall(r"[a-z_]+", listed) == [kind.__struct_config__.tag for kind in get_args(AnyFact)]


@pytest.mark.parametrize(("arm", "outcome"), [("A", "eligible"), ("B", "eligible")])
def test_its_facts_are_read(cli: Invoke, tmp_path: Path, trials: Path, arm: str, outcome: str) -> None:
    example = README.partition('    {"patient": ')
    facts = tmp_path / "facts.json"
    facts.write_text(example[1] + example[2].partition("\n\n")[0])
    result = cli("match", facts, trials / "arms.yaml", "--as-of", "2026-06-01", "--json")
    assert result.exit_code == 0, result.stderr
    assert {one["outcome"] for one in lines(result.stdout) if one["arm"] == arm} == {outcome}
