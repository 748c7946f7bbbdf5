"""The command line's table of contents."""

import typer

from services.cli import dead_letters, trial
from services.cli.bench import command as bench
from services.cli.convert import convert
from services.cli.demo.command import demo
from services.cli.doctor import doctor
from services.cli.match import match
from services.cli.run import run
from services.cli.ticket import ticket

app = typer.Typer(
    name="trialbridge",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Encrypted medical records in, explained clinical trial matches out.",
)
app.command()(demo)
app.command()(run)
app.command()(ticket)
app.command()(match)
app.command()(convert)
app.add_typer(trial.app, name="trial")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(bench.app, name="bench")
app.command()(doctor)
