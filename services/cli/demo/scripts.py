"""Which script a run of the demo plays."""

from datetime import date
from pathlib import Path

import typer

from services.cli.demo.options import DemoOptions
from services.cli.inputs import Troubles, files_of, is_trial, read_input
from services.cli.output import EXIT_INPUT
from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.testkit.demo_script import demo_script, own_script, registered
from trialbridge.testkit.feeds import PlainBundle
from trialbridge.testkit.load import load_bundles
from trialbridge.testkit.local_feed import local_bundles
from trialbridge.testkit.script import Deliver, Script, Step
from trialbridge.testkit.trials import demo_trials, open_data_trials
from trialbridge.testkit.world import make_world


def script_for(options: DemoOptions) -> Script:
    """Return the demo's script, or the one for the user's own records and trials."""
    trials = _own_trials(options.trials) if options.trials else None
    if options.data is not None:
        return own_script(_own_records(options.data, options.as_of), trials or [*open_data_trials(), *demo_trials()])
    return demo_script(make_world(options.seed, options.patients, options.as_of), trials)


def load_script(patients: int, seed: int) -> Script:
    """Return the load of the bench: the demo's trials, then everyone's records."""
    delivered = tuple(Deliver(bundle) for bundle in load_bundles(patients, seed))
    return Script((registered(demo_trials()), Step("Practices deliver their records", delivered)))


def _own_records(folder: Path, as_of: date) -> list[PlainBundle]:
    try:
        return local_bundles(folder, as_of)
    except Misconfigured as error:
        # To the command line a folder is an input, not a setting.
        raise Refused(error.code, error.message, error.place) from None


def _own_trials(path: Path) -> list[tuple[str, str]]:
    """Return the names and texts of trials; a bad one stays in, for the registration to refuse with its reason."""
    troubles = Troubles()
    found = [(file.name, body) for file in files_of(path, is_trial, troubles) if (body := read_input(file, troubles))]
    if troubles.found:
        raise typer.Exit(EXIT_INPUT)
    return [(name, body.decode("utf-8", "replace")) for name, body in found]
