"""What a run of the demo is asked to do."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trialbridge.testkit.world import AS_OF, PATIENTS, SEED


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of ``trialbridge demo``."""

    state: Path
    """Where the embedded stores live."""
    seed: int = SEED
    patients: int = PATIENTS
    as_of: date = AS_OF
    data: Path | None = None
    """The user's own folder of records, in place of the synthetic patients."""
    trials: Path | None = None
    """The user's own folder of trials, in place of the demo's."""
    terminology: Path | None = None
    """The user's own folder of imported tables of terms."""
    once: bool = False
    json: bool = False
    attach: bool = False
    """Drive services that already run, as the settings say, in place of starting them."""
    repeat: int = 1
    """How often each ticket is delivered."""
    shuffle: int = 0
    """Seed for the order of the tickets of a step. 0 keeps the order."""
    port: int = 8080

    def fingerprint(self) -> str:
        """Return what must be the same when a run goes on with an earlier state."""
        whose = f"the folder {self.data}" if self.data else f"{self.patients} synthetic patients of seed {self.seed}"
        trials = f"the trials in {self.trials}" if self.trials else "the demo's trials"
        terms = f", with the tables in {self.terminology}" if self.terminology else ""
        how = f"each ticket {self.repeat} times, shuffled by {self.shuffle}"
        return f"{whose} and {trials} as of {self.as_of.isoformat()}, {how}{terms}"
