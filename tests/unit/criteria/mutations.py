"""Trials spoilt at random: keys lost, misspelt and doubled, values of every wrong kind, text cut and scrambled."""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any, Final

from tests.unit.criteria.ctml_tables import CLINICAL, GENOMIC, TREATMENT
from tests.unit.criteria.language_examples import Example, examples
from tests.unit.criteria.test_ctml_documents import TRIAL as CTML
from tests.unit.criteria.test_writing import EVERYTHING
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.documents import read_text
from trialbridge.criteria.writing import text_of
from trialbridge.testkit.trials import demo_trials, open_data_trials


def _leaves(kind: str, table: list[tuple[str, str]]) -> str:
    items = "\n".join(f"- {kind}: {{{given}}}" for given, _ in table)
    return "protocol_no: T\nmatch:\n- or:\n" + "\n".join(f"  {line}" for line in items.splitlines())


def _every(rows: tuple[Example, ...]) -> dict[str, Any]:
    sites = {site["id"]: site for one in rows for site in one.sites}
    return {"id": "T", "sites": list(sites.values()), "criteria": {"any": [one.criterion for one in rows]}}


SOUND: Final = (
    EVERYTHING,
    CTML,
    *(
        _leaves(kind, table)
        for kind, table in (("clinical", CLINICAL), ("genomic", GENOMIC), ("prior_treatment", TREATMENT))
    ),
    *(text for _, text in (*demo_trials(), *open_data_trials())),
    *(text_of(_every(rows)) for rows, _ in examples().values()),
)
"""Trials that nothing is wrong with; between them they have every key of both languages."""
JUNK: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 10**18, 1e300, 0.1, "", " ", "!", "!!x", "x" * 5_000, "\u202e", "\x85", "\\", "null", "NaN", "Infinity",
    "-Infinity", "sNaN", "1e999999", "1e-400", "0x1f", "1_000", "12:30:00", "2024-02-30", "9999-12-31", "0000-00-00", ">=", ">=1e9", "p.",
    "p.V600", "c.1A>T", "KRAS", "_SOLID_", "_ALL_", "any_gene", "C34", "8140/3", "days", "28 days", "999999 years", "open", "met", [], {},
    [[]], [None], {"": ""}, {"of": []}, {"kind": "age"}, {"age": {}}, {"all": []}, [{"age": {"min": 1}}], {"not": {"not": {}}},
    {"days": 10**9}, {"years": -1},
)  # fmt: skip
Spot = tuple[Any, Any]
"""An object or a list, and a key or a number in it."""


def spoilt(rng: Random) -> str:
    """Return the text of a sound trial after one to four mishaps."""
    text = rng.choice(SOUND)
    if rng.random() < 0.25:
        return _scrambled(text, rng)
    document, _ = read_text(text, Problems())
    for _ in range(rng.randint(1, 4)):
        spots = list(_spots(document))
        if spots:
            rng.choice(MISHAPS)(rng.choice(spots), rng)
    return text_of(document, rng.choice(("yaml", "json")))


def _spots(document: Any) -> list[Spot]:
    found: list[Spot] = []
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (dict, list)):
            keys = list(value) if isinstance(value, dict) else range(len(value))
            found.extend((value, key) for key in keys)
            waiting.extend(value[key] for key in keys)
    return found


def _lose(spot: Spot, _rng: Random) -> None:
    holder, key = spot
    del holder[key]


def _junk(spot: Spot, rng: Random) -> None:
    holder, key = spot
    # A copy: what is spoilt later must not spoil the next trial.
    holder[key] = deepcopy(rng.choice(JUNK))


def _misspell(spot: Spot, rng: Random) -> None:
    holder, key = spot
    if isinstance(holder, dict):
        text = str(key)
        place = rng.randrange(len(text) + 1)
        holder[text[:place] + rng.choice(["", "x", "_", " ", "!", "\u00e9"]) + text[place + 1 :]] = holder.pop(key)


def _typo(spot: Spot, rng: Random) -> None:
    holder, key = spot
    text = str(holder[key])[:200]
    place = rng.randrange(len(text) + 1)
    holder[key] = (
        text[:place] + rng.choice(["", "x", "0", "-", "\n", "\t", "'", '"', "{", "?", "*"]) + text[place + 1 :]
    )


def _wrap(spot: Spot, rng: Random) -> None:
    holder, key = spot
    holder[key] = rng.choice(([holder[key]], {"all": holder[key]}, {"not": holder[key]}, {str(key): holder[key]}))


def _double(spot: Spot, _rng: Random) -> None:
    holder, key = spot
    if isinstance(holder, list):
        holder.append(deepcopy(holder[key]))
    else:
        holder[f"{key}_2"] = deepcopy(holder[key])


def _nest(spot: Spot, rng: Random) -> None:
    holder, key = spot
    value, depth = holder[key], rng.choice((3, 30, 50))
    for _ in range(depth):
        value = {"all": [value]}
    holder[key] = value


def _extend(spot: Spot, rng: Random) -> None:
    holder, key = spot
    if isinstance(holder[key], dict):
        holder[key][rng.choice(("surprise", "criteria", "of", "min", "gene", "not", "no_gender", ""))] = rng.choice(
            JUNK
        )


MISHAPS: Final[tuple[Callable[[Spot, Random], None], ...]] = (
    _lose, _junk, _junk, _misspell, _typo, _wrap, _double, _nest, _extend
)  # fmt: skip


def _scrambled(text: str, rng: Random) -> str:
    for _ in range(rng.randint(1, 5)):
        place = rng.randrange(len(text) + 1)
        cut = rng.choice((0, 0, 1, 1, 5, 80))
        new = rng.choice(
            (
                "",
                "",
                ":",
                "- ",
                "{",
                "}",
                "[",
                "]",
                "&a ",
                "*a",
                "<<: ",
                "!!python/name:os ",
                "? ",
                "|\n",
                "\x00",
                "\ufeff",
                "%",
                "---\n",
            )
        )
        text = text[:place] + new + text[place + cut :]
    return text
