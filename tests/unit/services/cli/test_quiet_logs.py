"""The logs beside a live view: late timers of libraries are no news, errors are."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.app import make_app
from trialbridge.runtime.telemetry import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put the logging set-up back as it was."""
    names = ("", "mode.timers", "trialbridge", "trialbridge.runtime")
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = handlers
    for logger, level in before:
        logger.setLevel(level)


def logged(level: str) -> list[tuple[str, str]]:
    """Return logger and level of what passes at a level."""
    stream = io.StringIO()
    logs.configure(level, stream)
    for name in ("mode.timers", "aiokafka", "trialbridge.serve"):
        for severity in (logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger(name).log(severity, "text %s", "x")
    found = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    return [(one["logger"], one["level"]) for one in found]


def test_a_run_beside_a_live_view_logs_errors_of_all_and_nothing_else() -> None:
    assert logged("error") == [("mode.timers", "error"), ("aiokafka", "error"), ("trialbridge.serve", "error")]


def test_a_service_logs_warnings_of_libraries_but_no_late_timers() -> None:
    assert logged("info") == [
        ("mode.timers", "error"),
        ("aiokafka", "warning"),
        ("aiokafka", "error"),
        ("trialbridge.serve", "info"),
        ("trialbridge.serve", "warning"),
        ("trialbridge.serve", "error"),
    ]


async def test_the_start_of_a_service_of_the_library_in_a_class_of_ours_is_no_news(tmp_path: Path) -> None:
    stream = io.StringIO()
    logs.configure("info", stream)
    settings = read_settings(BaseServiceSettings, broker=f"trialbridge-embedded://{tmp_path / 'log.db'}")
    app = make_app("quiet", settings, tmp_path / "faust")
    app.finalize()
    producer: Any = app.producer
    await producer.start()
    await producer.stop()
    assert stream.getvalue() == ""


def test_a_message_of_the_library_in_a_class_of_ours_is_logged_without_what_fills_it() -> None:
    stream = io.StringIO()
    logs.configure("info", stream)
    logging.getLogger("trialbridge.runtime.embedded.transport").warning("cannot read %s", "canary")
    assert orjson.loads(stream.getvalue())["message"] == "cannot read %s"
