"""What is worked out of the tables and kept: compiled trials and decoded facts, by digest, so that nothing kept can be stale."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.events import PatientViewChanged, TrialPublished
from trialbridge.contracts.ids import Digest, TrialId
from trialbridge.criteria.compiler import TrialPlan, load
from trialbridge.criteria.facts import AnyFact
from trialbridge.criteria.index import TrialIndex
from trialbridge.criteria.known import FactIndex

VIEWS_KEPT: Final = 20_000
_FACTS = msgspec.json.Decoder(tuple[AnyFact, ...])


@dataclass(frozen=True, slots=True)
class Shelf:
    """The trials at hand."""

    trials: Mapping[TrialId, TrialPublished]
    index: TrialIndex
    refused: tuple[str, ...]
    """Codes of those that cannot be read."""


@dataclass(slots=True)
class Memory:
    """Pure functions with a memory; what does not fit is worked out again."""

    limit: int = VIEWS_KEPT
    _plans: dict[tuple[TrialId, int, Digest], TrialPlan] = field(default_factory=dict)
    _views: "OrderedDict[Digest, FactIndex]" = field(default_factory=OrderedDict)
    _shelf: Shelf | None = None
    _index: TrialIndex = field(default_factory=TrialIndex)
    _indexed: dict[TrialId, TrialPlan] = field(default_factory=dict)

    def shelf(self, trials: Callable[[], Iterable[TrialPublished]]) -> Shelf:
        """Return the trials that can be read, with their index; ``trials`` is asked only after `trials_changed`."""
        if self._shelf is None:
            self._shelf = self._read(trials())
        return self._shelf

    def trials_changed(self) -> None:
        """Read the trials again before the next look."""
        self._shelf = None

    def _read(self, trials: Iterable[TrialPublished]) -> Shelf:
        good: dict[TrialId, TrialPublished] = {}
        refused: list[str] = []
        for trial in trials:
            try:
                self.plan(trial)
            except Undecodable as error:
                refused.append(error.code)
            else:
                good[trial.trial] = trial
        for name in self._indexed.keys() - good.keys():
            self._index.drop(name)
            del self._indexed[name]
        for name, trial in good.items():
            plan = self.plan(trial)
            if self._indexed.get(name) is not plan:
                self._index.put(plan)
                self._indexed[name] = plan
        return Shelf(good, self._index, tuple(refused))

    def plan(self, trial: TrialPublished) -> TrialPlan:
        """Return the trial ready for evaluation; raise `Undecodable` where its definition cannot be read."""
        name = (trial.trial, trial.version, trial.digest)
        if name not in self._plans:
            self._plans[name] = load(trial.definition)
        return self._plans[name]

    def facts(self, view: PatientViewChanged) -> FactIndex:
        """Return the view's facts; raise `Undecodable` ``view.facts-invalid`` where they cannot be read."""
        index = self._views.get(view.digest)
        if index is None:
            index = self._views[view.digest] = FactIndex(_decoded(view))
            while len(self._views) > self.limit:
                self._views.popitem(last=False)
        else:
            self._views.move_to_end(view.digest)
        return index


def _decoded(view: PatientViewChanged) -> tuple[AnyFact, ...]:
    try:
        return _FACTS.decode(view.facts)
    except msgspec.DecodeError:
        raise Undecodable("view.facts-invalid", "The view's facts do not follow their types.") from None
