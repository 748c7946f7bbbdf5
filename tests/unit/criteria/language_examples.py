"""The examples of the language's pages: what is asked, what is known, and the verdict."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml

from trialbridge.criteria import facts as f

FOLDER: Final = Path(__file__).parent / "examples"
_DECODER: Final = msgspec.json.Decoder(tuple[f.AnyFact, ...])


class Example(NamedTuple):
    """One line of a page's truth table."""

    kind: str
    verdict: str
    when: str
    ask: Any
    facts: list[dict[str, Any]]
    sites: tuple[dict[str, Any], ...] = ()
    """The trial's sites, where they matter."""

    @property
    def criterion(self) -> dict[str, Any]:
        """Return the criterion as people write it."""
        return {self.kind: self.ask}

    @property
    def trial(self) -> dict[str, Any]:
        """Return a trial that asks for it and nothing else."""
        return {"id": "T", **({"sites": list(self.sites)} if self.sites else {}), "criteria": self.criterion}

    def known(self) -> tuple[f.AnyFact, ...]:
        """Return the facts; where they come from is the same for all."""
        evidence = {"evidence": {"resource": "Observation/1"}}
        return _DECODER.decode(msgspec.json.encode([{**evidence, **fact} for fact in self.facts]))


def examples(folder: Path = FOLDER) -> dict[str, tuple[tuple[Example, ...], frozenset[str]]]:
    """Return the examples of each kind of criterion, and the verdicts that it never has."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        page = yaml.safe_load(path.read_text("utf-8"))
        rows = tuple(Example(path.stem, **row) for row in page["examples"])
        found[path.stem] = (rows, frozenset(page.get("never", ())))
    return found
