"""The command ``trialbridge``: one way in for people, scripts and operators."""

import sys

from services.cli.app import app
from services.cli.output import EXIT_AWAY, EXIT_CONFIG, EXIT_INPUT, complain
from trialbridge.contracts.errors import Misconfigured, Retryable, TrialbridgeError


def main() -> None:
    """Run the command line; expected errors become one line on standard error and a stable exit code."""
    try:
        app()
    except TrialbridgeError as error:
        complain(str(error.place) if error.place.bundle else "trialbridge", error.code, error.message)
        away, wrong = isinstance(error, Retryable), isinstance(error, Misconfigured)
        sys.exit(EXIT_AWAY if away else EXIT_CONFIG if wrong else EXIT_INPUT)


if __name__ == "__main__":
    main()
