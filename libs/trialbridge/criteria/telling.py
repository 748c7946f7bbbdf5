"""Explanations in their canonical bytes, put together from what each distinct criterion says: nothing is written twice.

What a criterion says of a patient is written once, in every trial and at every place where it stands; the rest of an explanation
is the trial's and was written when the trial was read. `evaluate` gives the same explanations as objects.
"""

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

import msgspec

from trialbridge.contracts.ids import Digest, RecordId
from trialbridge.criteria.canonical import records_of
from trialbridge.criteria.evaluate import RANKS, WORDS, as_sentence, explain_one, judge, outcome_of, unsettled
from trialbridge.criteria.facts import Evidence
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, Finding, Settle
from trialbridge.criteria.known import Known
from trialbridge.criteria.plan import Branch, Script, Step, TrialPlan, begin_line
from trialbridge.criteria.terminology import versions
from trialbridge.criteria.verdicts import Explanation, Outcome, Verdict

_ENCODE = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode
_RANK = itemgetter(0)
_PLACE = itemgetter(0, 1)
_Lack = tuple[int, str, bytes, bytes]
"""Rank of its cost, path, and the missing fact in bytes: how it begins, which is the trial's, and the rest."""


class _Said(msgspec.Struct, frozen=True):
    reason: str
    evidence: tuple[Evidence, ...]


_OPENING = len(b'{"reason":"')


class Told:
    """One explanation: every line of it is judged, and what is missing is told; its bytes are put together when asked for."""

    __slots__ = ("_frame", "branch", "known", "lacks", "outcome", "patient", "plan")

    def __init__(self, frame: "_Frame", branch: Branch, outcome: Outcome, lacks: list[_Lack]) -> None:
        """Note what was judged; ``frame`` is what the trial's explanations share."""
        self._frame = frame
        self.plan, self.patient, self.known = frame.plan, frame.patient, frame.known
        self.branch = branch
        self.outcome = outcome
        self.lacks = lacks

    @property
    def arm(self) -> str | None:
        """Return the arm's code."""
        return self.branch.arm

    @property
    def dose(self) -> str | None:
        """Return the dose level's code."""
        return self.branch.dose

    def raw(self) -> bytes:
        """Return the explanation as `canonical_bytes` does."""
        frame = self._frame
        texts = b",".join(frame.texts(self.branch))
        day = self.known.as_of.isoformat().encode()
        parts = (self._head(), day, b'","criteria":[', texts, b'],"missing":[', self._missing(), frame.ending())
        return b"".join(parts)

    def digest(self) -> Digest:
        """Return the digest as `explanation_digest` does."""
        frame = self._frame
        hashed = hashlib.sha256(self._head() + b'","criteria":[')
        hashed.update(b",".join(frame.bare_texts(self.branch)))
        hashed.update(b'],"missing":[%b%b' % (self._missing(), frame.ending()))
        return Digest(hashed.hexdigest())

    def _head(self) -> bytes:
        branch = self.branch
        return b'%b%b,"dose":%b,"outcome":%b,"as_of":"' % (
            self._frame.beginning(),
            _word(branch.arm),
            _word(branch.dose),
            _word(self.outcome),
        )

    def _missing(self) -> bytes:
        return b",".join([begun + rest for _, _, begun, rest in self.lacks])

    def explanation(self) -> Explanation:
        """Return the explanation as an object."""
        return explain_one(self.plan, self.branch, self.known, self.patient)

    def lines(self) -> Iterator[tuple[str, str, Finding]]:
        """Yield path, kind and what is said of each criterion; a closed arm's status is not among them."""
        memo = self.known.memo
        for script in self.branch.scripts:
            for spot in (script.root, *script.root.lines):
                yield spot.path, spot.step.kind, memo[spot.step]

    def records(self) -> tuple[RecordId, ...]:
        """Return the deliveries that the evidence came with, sorted."""
        memo = self.known.memo
        steps = {step for script in self.branch.scripts for step in script.steps}
        cited = {one.record for step in steps for one in memo[step].evidence}
        return tuple(RecordId(name) for name in sorted(cited) if name)


def tell(plan: TrialPlan, branches: Iterable[Branch], known: Known, patient: str) -> list[Told]:
    """Return an explanation for each of some branches of a trial, in their order."""
    frame = _Frame(plan, known, patient, _notes(known))
    return [_told(frame, branch) for branch in branches]


def _told(frame: "_Frame", branch: Branch) -> Told:
    known = frame.known
    outcome = outcome_of(branch, known)
    if outcome is not Outcome.POTENTIALLY:
        return Told(frame, branch, outcome, [])
    scripts = branch.scripts
    if len(scripts) == 1:
        return Told(frame, branch, outcome, frame.notes.lacks_of(scripts[0]))
    lacks = [one for script in scripts for one in frame.notes.lacks_of(script)]
    lacks.sort(key=_PLACE)
    return Told(frame, branch, outcome, lacks)


class _Frame:
    """What the explanations of one trial for one patient share."""

    __slots__ = ("_bare", "_lines", "known", "notes", "patient", "plan")

    def __init__(self, plan: TrialPlan, known: Known, patient: str, notes: "Notes") -> None:
        self.plan, self.known, self.patient, self.notes = plan, known, patient, notes
        self._lines: dict[Script, bytes] = {}
        self._bare: dict[Script, bytes] = {}

    def beginning(self) -> bytes:
        """Return how the explanations begin."""
        return b'{"patient":%b,"trial":%b,"arm":' % (_word(self.patient), _word(self.plan.trial.id))

    def ending(self) -> bytes:
        """Return how they end."""
        return b'],"trial_digest":%b,"tables":%b}' % (_word(self.plan.digest), _word(versions()))

    def texts(self, branch: Branch) -> list[bytes]:
        """Return the lines of a branch, some together."""
        return self._written(branch, self._lines, self.notes.lines)

    def bare_texts(self, branch: Branch) -> list[bytes]:
        """Return the lines without which delivery brought the evidence."""
        return self.texts(branch) if self.notes.plain else self._written(branch, self._bare, self.notes.bare)

    def _written(self, branch: Branch, kept: dict[Script, bytes], says: dict[Step, bytes]) -> list[bytes]:
        texts = [_closing(branch)] if branch.closed else []
        for script in branch.scripts:
            text = kept.get(script)
            if text is None:
                text = kept[script] = script.template % tuple(map(says.__getitem__, script.steps))
            texts.append(text)
        return texts


@lru_cache(maxsize=16384)
def _word(text: str | None) -> bytes:
    return _ENCODE(text)


def _closing(branch: Branch) -> bytes:
    return begin_line(branch.closed_at, "status") + _finding(Finding(NOT_MET, False, branch.closed))


def _head(verdict: Verdict, *, turns: bool) -> bytes:
    """Return how what a criterion says begins."""
    if verdict is MET:
        return _MET[turns]
    return _NOT_MET[turns] if verdict is NOT_MET else _UNKNOWN[turns]


def _heads(verdict: Verdict) -> tuple[bytes, bytes]:
    words = ("false", "true")
    found = [f'"verdict":"{verdict.value}","recoverable":{word},"reason":"'.encode() for word in words]
    return found[0], found[1]


_MET, _NOT_MET, _UNKNOWN = _heads(MET), _heads(NOT_MET), _heads(UNKNOWN)


def _finding(found: Finding) -> bytes:
    verdict, turns, reason, evidence, _ = found
    head = _head(verdict, turns=turns)
    return head + (_ENCODE(_Said(reason, evidence))[_OPENING:] if evidence else _without_evidence(reason))


@lru_cache(maxsize=65536)
def _without_evidence(reason: str) -> bytes:
    return _ENCODE(_Said(reason, ()))[_OPENING:]


class _Lines(dict[Step, bytes]):
    """By criterion, what is said of the patient; written when first asked for."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.known = known

    def __missing__(self, step: Step) -> bytes:
        found: Finding = self.known.memo.get(step) or judge(step, self.known)
        if step.kind == "not" and found.evidence:
            text = _negation(found, self.known.memo[step.members[0]], self[step.members[0]])
        else:
            text = _finding(found)
        self[step] = text
        return text


def _negation(found: Finding, inner: Finding, said: bytes) -> bytes:
    """Return what a negated leaf says: its own verdict, and all else as the leaf has it."""
    rest = said[len(_head(inner.verdict, turns=inner.recoverable)) :]
    return b"%b%b: %b" % (_head(found.verdict, turns=found.recoverable), _BEGUN[found.verdict], rest)


_BEGUN = {verdict: words.encode() for verdict, words in WORDS.items()}


class _Lacking(dict[Step, tuple[int, bytes] | None]):
    """By leaf that is unknown, the rank of what would settle it, and that in bytes."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.known = known

    def __missing__(self, step: Step) -> tuple[int, bytes] | None:
        found: Finding = self.known.memo.get(step) or judge(step, self.known)
        lack = None if found.settle is None or found.verdict is not UNKNOWN else _lack(found.settle)
        self[step] = lack
        return lack


@lru_cache(maxsize=16384)
def _lack(settle: Settle) -> tuple[int, bytes]:
    what = as_sentence(settle.what)
    return RANKS[settle.cost], b'"settle":%b,"cost":%b}' % (_ENCODE(what), _ENCODE(settle.cost))


class _Bare(dict[Step, bytes]):
    """By criterion, what is said of the patient without which delivery brought the evidence."""

    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self.lines = lines

    def __missing__(self, step: Step) -> bytes:
        text = self.lines[step]
        found: Finding = self.lines.known.memo[step]
        if any(one.record or one.version for one in found.evidence):
            text = _finding(found._replace(evidence=records_of(found.evidence)))
        self[step] = text
        return text


@dataclass(slots=True)
class Notes:
    """What is written of one patient on one day, kept with what is known of them."""

    known: Known
    lines: _Lines
    bare: _Bare
    lacking: _Lacking
    plain: bool
    """True where no evidence says which delivery brought it."""
    lacks: dict[Script, list[_Lack]]

    def lacks_of(self, script: Script) -> list[_Lack]:
        """Return what would settle a criterion, cheapest first."""
        found = self.lacks.get(script)
        if found is None:
            found = self.lacks[script] = self._worked_out(script)
        return found

    def _worked_out(self, script: Script) -> list[_Lack]:
        lacking = self.lacking
        found = [
            (lack[0], path, begun, lack[1]) for leaf, path, begun in script.asks if (lack := lacking[leaf]) is not None
        ]
        if not script.groups:
            # They stand in the order of their paths.
            found.sort(key=_RANK)
            return found
        for spot in script.groups:
            found += [(rank, path, b"", _ENCODE(one)) for rank, path, one in unsettled(spot, self.known)]
        found.sort(key=_PLACE)
        return found

    def followed(self, known: Known, changed: AbstractSet[Step], turned: AbstractSet[Step]) -> "Notes":
        """Return what still holds for what is known after a change.

        Args:
            known: What is known now.
            changed: Criteria that say another thing than before.
            turned: Those of them that say it with another verdict, or are settled otherwise.
        """
        notes = _new_notes(known)
        for mine, theirs in ((notes.lines, self.lines), (notes.bare, self.bare), (notes.lacking, self.lacking)):
            mine.update(theirs)  # type: ignore[arg-type]
            for step in changed:
                mine.pop(step, None)
        if turned:
            notes.lacks = {script: lacks for script, lacks in self.lacks.items() if turned.isdisjoint(script.steps)}
        else:
            notes.lacks = self.lacks.copy()
        if notes.plain is not self.plain:
            notes.bare.clear()
        return notes


def _new_notes(known: Known) -> Notes:
    lines = _Lines(known)
    plain = not any(fact.evidence.record or fact.evidence.version for fact in known.index.facts)
    return Notes(known, lines, _Bare(lines), _Lacking(known), plain, {})


def _notes(known: Known) -> Notes:
    if known.notes is None:
        known.notes = _new_notes(known)
    found: Notes = known.notes
    return found
