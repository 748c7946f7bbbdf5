"""The forms in which a command writes its answers: a table for people, one JSON document, or a JSON object on each line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer

from services.cli.output import emit, write


class Form(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"


FormOption = Annotated[
    Form | None,
    typer.Option(
        "--format", help="table: for people. json: one array. ndjson: one object a line.", show_default="table"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --format ndjson.")]


def form_of(form: Form | None, *, json: bool) -> Form:
    """Return the form that ``--format`` and ``--json`` ask for together; raise `typer.BadParameter` where they differ."""
    if json and form not in (None, Form.NDJSON):
        raise typer.BadParameter(f"is ndjson; leave it out for {form}", param_hint="--json")
    return Form.NDJSON if json else form or Form.TABLE


@contextmanager
def values_as(form: Form) -> Iterator[Callable[[Any], None]]:
    """Yield what writes a JSON value: on a line of its own, or as the next element of one array.

    After an error the array stays open, so that what was cut off is not taken for the whole.
    """
    if form is not Form.JSON:
        yield emit
        return
    written = 0

    def element(value: Any) -> None:
        nonlocal written
        emit(value, before=b",\n" if written else b"[\n", after=b"")
        written += 1

    yield element
    write(b"\n]\n" if written else b"[]\n")
