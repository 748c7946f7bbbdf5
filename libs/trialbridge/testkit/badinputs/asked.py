"""Requests that no service can carry out, and messages that are none."""

from collections.abc import Iterator
from typing import Final, Literal

from trialbridge.contracts.errors import Place
from trialbridge.runtime.stage import wire
from trialbridge.testkit.badinputs.model import Asked, BadInput, Fault, Message

Owner = Literal["trialfeed", "matchbook", "notifier", "coatcheck"]
MALFORMED: Final = "command.malformed"
REQUESTS: Final[tuple[tuple[Owner, str, bytes, str], ...]] = (
    ("coatcheck", "replay", b'{"dead_letter":"dlq_0"}', "replay.unknown"), ("coatcheck", "replay", b'{"ticket":"tkt_0"}', "replay.unknown"),
    ("coatcheck", "replay", b"{}", "replay.malformed"), ("coatcheck", "replay", b'{"dead_letter":"a","ticket":"b"}', "replay.malformed"),
    ("coatcheck", "replay", b'{"dead_leter":"a"}', MALFORMED), ("coatcheck", "replay", b'{"ticket":"\xc3("}', MALFORMED),
    ("trialfeed", "register_trial", b'{"text":"","more":' + b"[" * 100_000, MALFORMED),
    ("matchbook", "review_match", b'{"more":' + b"[" * 100_000, "review.malformed"), ("coatcheck", "replay", b"[]", MALFORMED),
    ("coatcheck", "issue_ticket", b"{}", MALFORMED), ("coatcheck", "issue_ticket", b'{"ticket":7}', MALFORMED),
    ("coatcheck", "open_everything", b"{}", "command.unknown-kind"), ("trialfeed", "set_trial_status", b"null", MALFORMED),
    ("trialfeed", "set_trial_status", b'{"trial":"TB-NONE","status":"open"}', "trial.unknown"),
    ("trialfeed", "set_trial_status", b'{"trial":"TB-NONE","status":"opened"}', MALFORMED),
    ("trialfeed", "set_regulatory", b'{"trial":"TB-NONE"}', MALFORMED),
    ("trialfeed", "set_regulatory", b'{"trial":"TB-NONE","approved":"yes"}', MALFORMED),
    ("trialfeed", "set_regulatory", b'{"trial":"TB-NONE","approved":true,"sites":{"s":"on"}}', MALFORMED),
    ("trialfeed", "register_trial", b"{}", MALFORMED), ("trialfeed", "register_trial", b'{"text":1}', MALFORMED),
    ("trialfeed", "unregister_trial", b"{}", "command.unknown-kind"),
    ("matchbook", "review_match", b'{"match":"mat_0","decision":"approve","explanation_digest":"0"}', "review.unknown-match"),
    ("matchbook", "review_match", b'{"match":7}', "review.malformed"), ("matchbook", "approve_all", b"{}", "command.unknown-kind"),
    ("notifier", "redeliver", b'{"delivery":"dlv_0"}', "redeliver.unknown"), ("notifier", "redeliver", b"{}", "redeliver.malformed"),
    ("notifier", "redeliver", b'{"delivery":[]}', MALFORMED), ("notifier", "shout", b"{}", "command.unknown-kind"),
)  # fmt: skip
ENVELOPE: Final = b'[{"id":"evt_%d","key":"k","network":"","trace":"","data":%s}]'
MESSAGES: Final[tuple[tuple[bytes, dict[str, bytes], str, str | None], ...]] = (
    (b"", {}, "wire.unknown-form", None), (b"\x07abc", {}, "wire.unknown-form", None), (b"\x00abc", {}, "wire.broken-frame", None),
    (b"\x00", {}, "wire.broken-frame", None), (b"\x00" + wire.compress(b"no"), {}, "wire.not-envelopes", None),
    (b"\x00" + wire.compress(b"[{}]"), {}, "wire.not-envelopes", None), (b"\x01", {}, "seal.not-cose", None),
    (b"\x01" + b"\xff" * 200, {}, "seal.not-cose", None), (b"\x00abc", {"part": b"x"}, "wire.bad-part", None),
    (b"\x00abc", {"part": b"x/3/2"}, "wire.bad-part", None),
    (b"\x00" + wire.compress(b'[{"id":"\xc3("}]'), {}, "wire.not-envelopes", None),
    (b"\x00" + wire.compress(ENVELOPE % (1, b"[" * 100_000)), {}, "wire.not-envelopes", None),
    (b"\x00" + wire.compress(ENVELOPE % (2, b"{}")), {}, "wire.payload-invalid", "$"),
    (b"\x00" + wire.compress(ENVELOPE % (3, b'{"ticket":"\xc3("}')), {}, "wire.payload-invalid", "$"),
    (b"\x00" + wire.compress(ENVELOPE % (4, b'{"ticket":5}')), {}, "wire.payload-invalid", "$.ticket"),
)  # fmt: skip
"""What somebody may put into a topic who is not one of our services: value, headers, code and path."""


def requests() -> Iterator[BadInput]:
    """Yield all requests."""
    for number, (to, kind, body, code) in enumerate(REQUESTS):
        yield BadInput(f"{to} {kind} {number}", "malformed command", Asked(to, kind, body), "answered", (Fault(code),))


def messages() -> Iterator[BadInput]:
    """Yield all messages."""
    for number, (value, headers, code, path) in enumerate(MESSAGES):
        fault = Fault(code, Place(field=path))
        given = Message(value, headers, "k" if code == "wire.payload-invalid" else "")
        yield BadInput(f"message {number}", "malformed message", given, "letter only", (fault,))
