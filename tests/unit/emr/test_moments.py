"""Times: as precise as they are written, never more, and only those that there are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.emr.moments import moment

ZONE = "-06:00"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026", "2026"),
        ("202611", "2026-11"),
        ("20261120", "2026-11-20"),
        ("2026112009", "2026-11-20"),
        ("202611200930", "2026-11-20T09:30:00-06:00"),
        ("20261120093015", "2026-11-20T09:30:15-06:00"),
        ("20261120093015.250", "2026-11-20T09:30:15.250-06:00"),
        ("20261120093015+0530", "2026-11-20T09:30:15+05:30"),
        ("202611200930-0000", "2026-11-20T09:30:00-00:00"),
        ("20261120-0500", "2026-11-20"),
        ("20240229", "2024-02-29"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T09:30:15Z", "2026-11-20T09:30:15Z"),
        ("2026-11-20T09:30:15.5+01:00", "2026-11-20T09:30:15.5+01:00"),
    ],
)
def test_a_time_is_shown_as_precisely_as_it_is_written(written: str, shown: str) -> None:
    assert moment(written, ZONE) == shown


@pytest.mark.parametrize(
    "written",
    ["", "x", "0000", "20261332", "20230229", "202611202460", "20261120093060", "200130311", "2026112009301", "20261120093015+1500",
     "20261120093015-0560", "\u0662\u0660\u0662\u0666", "20261120 0930", "-2026"],
)  # fmt: skip
def test_what_is_no_time_is_none(written: str) -> None:
    assert moment(written, ZONE) is None


@given(st.datetimes(), st.sampled_from([4, 6, 8, 10, 12, 14]))
def test_digits_stay_in_their_order_and_none_is_added(when: object, length: int) -> None:
    digits = f"{when:%Y%m%d%H%M%S}".zfill(14)[:length]
    shown = moment(digits, "+00:00")
    if int(digits[:4]) == 0:
        assert shown is None
        return
    assert shown is not None
    written = re.sub(r"\D", "", shown.removesuffix("+00:00"))
    assert written.startswith(digits if length != 10 else digits[:8])
    assert len(written) == {10: 8, 12: 14}.get(length, length)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text: str) -> None:
    found = moment(text, ZONE)
    assert found is None or re.fullmatch(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?", found)
