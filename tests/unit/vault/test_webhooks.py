"""Signatures of webhooks."""

import base64

from trialbridge.vault import webhooks

SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
AT = 1614265330


def test_the_signature_of_the_standards_example() -> None:
    assert webhooks.sign(SECRET, ID, AT, BODY) == SIGNATURE


def test_one_of_several_signatures_is_enough() -> None:
    assert webhooks.verify(SECRET, ID, AT, BODY, f"v1,x {SIGNATURE}")


def test_whatever_is_changed_is_refused() -> None:
    assert not webhooks.verify(SECRET, ID, AT + 1, BODY, SIGNATURE)
    assert not webhooks.verify(SECRET, ID + "x", AT, BODY, SIGNATURE)
    assert not webhooks.verify(SECRET, ID, AT, BODY + b" ", SIGNATURE)
    assert not webhooks.verify(SECRET + b"x", ID, AT, BODY, SIGNATURE)
    for header in ("", "v1,", "é", SIGNATURE[3:], SIGNATURE.replace("v1", "v2"), "v1a" + SIGNATURE[2:]):
        assert not webhooks.verify(SECRET, ID, AT, BODY, header)


def test_a_replayed_message_is_refused() -> None:
    for now in (AT, AT + 300, AT - 300):
        assert webhooks.verify(SECRET, ID, AT, BODY, SIGNATURE, now=now)
    for now in (AT + 301, AT - 301):
        assert not webhooks.verify(SECRET, ID, AT, BODY, SIGNATURE, now=now)
