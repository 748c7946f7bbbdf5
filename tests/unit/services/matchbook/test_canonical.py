from itertools import permutations
from typing import Any

import msgspec

from services.matchbook.canonical import run_hash
from tests.unit.services.matchbook.said import Book, approval, match, trial
from trialbridge.contracts.documents import MATCHES, MatchDoc
from trialbridge.criteria.facts import Evidence
from trialbridge.criteria.verdicts import CriterionResult, Explanation, Verdict
from trialbridge.testkit.fakes import MemoryDocuments


async def hashed(*said: Any) -> tuple[str, dict[str, int]]:
    return await hash_of((await Book().say(*said)).docs.values())


async def hash_of(docs: Any) -> tuple[str, dict[str, int]]:
    documents = MemoryDocuments()
    await documents.upsert(MATCHES, list(docs))
    return await run_hash(documents)


async def test_nothing_has_a_hash_too() -> None:
    digest, counts = await run_hash(MemoryDocuments())
    assert (len(digest), counts) == (64, {})


async def test_the_counts_hold_every_status() -> None:
    said = [trial(), approval(), match(), match("potentially", patient="pat_2"), match(patient="pat_3", consent="deny")]
    _, counts = await hashed(*said, match("not_eligible", seq=2))
    assert counts == {"held": 1, "potentially": 1, "withdrawn": 1}


async def test_the_order_of_arrival_does_not_matter_even_where_a_match_was_approved_in_between() -> None:
    """In some of these orders the match is approved and withdrawn, in others never approved: the same end, the same hash."""
    said = [trial(), approval(), match(), match(seq=2, consent="deny"), match("not_eligible", patient="pat_2", seq=2),
            match(patient="pat_2")]  # fmt: skip
    seen = {(await hashed(*order))[0] for order in permutations(said)}
    statuses = {tuple((await hashed(*order))[1]) for order in permutations(said)}
    assert len(seen) == 1
    assert len(statuses) > 1


async def test_a_trial_that_closed_before_or_after_the_patients_came_gives_the_same_hash() -> None:
    closed = trial(2, status="closed")
    assert (await hashed(trial(), approval(), match(), closed))[0] == (await hashed(closed, approval(), match()))[0]


def explained_by(said: Any, **changed: Any) -> Any:
    explanation = msgspec.structs.replace(msgspec.json.decode(said.explanation, type=Explanation), **changed)
    return msgspec.structs.replace(
        said, explanation=msgspec.Raw(msgspec.json.encode(explanation)), explanation_digest="0"
    )


async def test_where_the_bundles_lay_does_not_matter() -> None:
    def resting_on(record: str) -> Any:
        line = CriterionResult("a", "age", Verdict.MET, False, "Yes.", (Evidence(resource="Patient/1", record=record),))
        return explained_by(match(), criteria=(line,))

    said = [trial(), approval()]
    assert (await hashed(*said, resting_on("rec_1")))[0] == (await hashed(*said, resting_on("rec_2")))[0]


async def test_each_thing_that_counts_changes_the_hash() -> None:
    base = [trial(), approval(), match(), match(patient="pat_2")]
    variants = {
        "as it is": base,
        "a match more": [*base, match(patient="pat_3")],
        "a match less": base[:3],
        "a hold": [*base, approval(2, hold=True)],
        "another reason": [*base, approval(2, hold=True, reason="safety")],
        "no longer eligible": [*base, match("not_eligible", seq=2)],
        "in doubt": [*base, match("potentially", seq=2)],
        "denied": [*base, match(seq=2, consent="deny")],
        "another explanation": [*base, explained_by(match(seq=2), tables="other tables")],
        "another arm": [*base, match(arm="B")],
        "review": [trial(review=True), *base[1:]],
    }
    hashes = {name: (await hashed(*said))[0] for name, said in variants.items()}
    assert len(set(hashes.values())) == len(variants)


async def test_a_withdrawal_that_was_lost_shows() -> None:
    done = await Book().say(trial(), approval(), match(), approval(2, hold=True))
    lost = await Book().say(trial(), approval(), match())
    assert (await hash_of(done.docs.values()))[0] != (await hash_of(lost.docs.values()))[0]


async def test_versions_times_and_causes_are_left_out() -> None:
    book = await Book().say(trial(), approval(), match())
    other: MatchDoc = msgspec.structs.replace(
        book.doc,
        version=9,
        changed="later",
        cause="trial",
        view_version=7,
        view_digest="x",
        trial_version=4,
        why_now=(),
    )
    assert (await hash_of([book.doc]))[0] == (await hash_of([other]))[0]
