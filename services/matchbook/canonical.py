"""One hash over how all matches stand at the end of a run: two runs that came to the same end give the same hash.

The hash relies on nothing but the final state: the newest views, trial versions, regulatory statements and reviews, and the day
of evaluation. It says of each match that is eligible or potentially eligible whether it is approved, which gates are shut, and the
digest of its explanation. A match that was withdrawn is in it by what withdrew it: with a gate shut, as a match that is held by
the same gate (whether it was approved before depends on what came first); as no longer eligible, by its absence (in another order it
may never have been proposed). A withdrawal that was lost shows as a match still approved, one too many as a match that is not.
Sequence numbers, versions, processing times and earlier persons of a patient are left out, since they depend on the order of
arrival; so are the ids of deliveries, which depend on where their objects lie.
"""

import hashlib
from collections import Counter

import msgspec

from trialbridge.contracts.documents import MATCHES, MatchDoc
from trialbridge.criteria.canonical import explanation_digest
from trialbridge.criteria.verdicts import Explanation
from trialbridge.runtime.paging import every
from trialbridge.runtime.ports import DocumentStore, Query

_PAGE = 500


async def run_hash(documents: DocumentStore) -> tuple[str, dict[str, int]]:
    """Return the SHA-256 in lower-case hex, and the number of matches by status (withdrawn and closed ones too)."""
    hasher = hashlib.sha256()
    counts: Counter[str] = Counter()
    async for doc in every(documents, MATCHES, Query(sort="id", limit=_PAGE)):
        counts[doc.status] += 1
        hasher.update(line(doc))
    return hasher.hexdigest(), dict(sorted(counts.items()))


def line(doc: MatchDoc) -> bytes:
    """Return the match's line, empty where it is not eligible any more: a JSON array and a line feed."""
    if doc.outcome == "not_eligible":
        return b""
    # Of what is stored, not the digest stored beside it; and that one leaves out which delivery brought the evidence.
    digest = explanation_digest(msgspec.json.decode(doc.explanation, type=Explanation))
    said = (doc.id, standing(doc), doc.outcome, digest, doc.gates)
    return msgspec.json.encode(said) + b"\n"


def standing(doc: MatchDoc) -> str:
    """Return how the match stands, by outcome and gates alone: approved, potentially, or held."""
    if doc.outcome == "potentially":
        return "potentially"
    return "approved" if doc.status == "approved" else "held"
