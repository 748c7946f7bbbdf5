"""The command line's table of contents."""

import typer

from services.cli import dead_letters, keys, ticket, trial
from services.cli.bench import command as bench
from services.cli.convert import convert
from services.cli.demo.command import demo
from services.cli.doctor import doctor
from services.cli.front import Front
from services.cli.match import match
from services.cli.run import run

app = typer.Typer(
    name="trialbridge",
    cls=Front,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Encrypted medical records in, explained clinical trial matches out.",
)
app.command()(demo)
app.command()(run)
app.add_typer(ticket.app, name="ticket")
app.command()(match)
app.command()(convert)
app.add_typer(trial.app, name="trial")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(bench.app, name="bench")
app.add_typer(keys.app, name="keys")
app.command()(doctor)
