"""Structured logs, one JSON object a line. Only fields from a closed list pass, so that no PHI can slip into a log."""

import logging
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

import orjson

FIELDS: Final = frozenset(
    {
        "stage",
        "topic",
        "partition",
        "offset",
        "code",
        "place",
        "trace",
        "worker",
        "state",
        "count",
        "seconds",
        "attempt",
        "ticket",
        "event",
        "port",
        "url",
        "kind",
    }
)
"""What a log line may carry beside time, level and message. All of them opaque ids, codes and numbers."""


LIBRARIES_HERE: Final = "trialbridge.runtime"
"""Under this name Faust logs what its classes do that are extended here; loggers of ours have a room's name alone."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON line; drops any extra field that is not in `FIELDS` and never prints exception texts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Of an exception only type and place of origin are kept: its text may quote data."""
        ours = record.name.startswith("trialbridge.") and not record.name.startswith(f"{LIBRARIES_HERE}.")
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            # A library's message may hold anything once its arguments are filled in; its template cannot.
            "message": record.getMessage() if ours else str(record.msg),
        }
        line.update({name: value for name, value in record.__dict__.items() if name in FIELDS})
        if record.exc_info and record.exc_info[0] is not None:
            trace = record.exc_info[2]
            while trace and trace.tb_next:
                trace = trace.tb_next
            line["exception"] = record.exc_info[0].__name__
            if trace:
                line["at"] = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        return orjson.dumps(line, default=str).decode()


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send all logs as JSON lines to ``stream`` (standard error by default); libraries from warnings up, or as ``level`` says.

    Of Faust's timers only errors: that one ran late says that the loop is busy, which lag and metrics say better.
    """
    handler = logging.StreamHandler(stream or sys.__stderr__)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    logging.getLogger("mode.timers").setLevel(logging.ERROR)
    logging.getLogger("trialbridge").setLevel(level.upper())
    logging.getLogger(LIBRARIES_HERE).setLevel(root.level)


def logger(room: str) -> logging.Logger:
    """Return the logger of a room or service, named ``trialbridge.<room>``."""
    return logging.getLogger(f"trialbridge.{room}")
