"""Which script a run of the demo plays."""

from pathlib import Path

import typer

from services.cli.demo.options import DemoOptions
from services.cli.inputs import files_of
from trialbridge.testkit.demo_script import demo_script, own_script, registered
from trialbridge.testkit.load import load_bundles
from trialbridge.testkit.local_feed import local_bundles
from trialbridge.testkit.script import Deliver, Script, Step
from trialbridge.testkit.trials import demo_trials, open_data_trials
from trialbridge.testkit.world import make_world

TRIALS = (".yaml", ".yml", ".json")


def script_for(options: DemoOptions) -> Script:
    """Return the demo's script, or the one for the user's own records and trials."""
    trials = _own_trials(options.trials) if options.trials else None
    if options.data is not None:
        return own_script(local_bundles(options.data, options.as_of), trials or [*open_data_trials(), *demo_trials()])
    return demo_script(make_world(options.seed, options.patients, options.as_of), trials)


def load_script(patients: int, seed: int) -> Script:
    """Return the load of the bench: the demo's trials, then everyone's records."""
    delivered = tuple(Deliver(bundle) for bundle in load_bundles(patients, seed))
    return Script((registered(demo_trials()), Step("Practices deliver their records", delivered)))


def _own_trials(folder: Path) -> list[tuple[str, str]]:
    found = [(path.name, path.read_text("utf-8", "replace")) for path in files_of(folder, TRIALS)]
    if not found:
        raise typer.BadParameter(f"there is no trial in {folder}; trials end in {', '.join(TRIALS)}")
    return found
