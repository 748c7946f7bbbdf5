"""The command ``trialbridge``: one way in for people, scripts and operators."""

import sys

from typer.main import get_command

from services.cli.app import app
from services.cli.front import tell_fault
from trialbridge.runtime.collector import calm_collector


def main() -> None:
    """Run the command line; whatever goes wrong becomes one line on standard error and a stable exit code."""
    sys.excepthook = tell_fault
    calm_collector()
    # Not by calling ``app``: that puts typer's own hook in this one's place.
    get_command(app)()


if __name__ == "__main__":
    main()
