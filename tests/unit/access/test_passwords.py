"""Passwords: only the right one, and no way to learn who exists."""

import pytest

from trialbridge.access.passwords import hash_password, verify_password, well_formed

STORED = hash_password("correct horse", b"0123456789abcdef")


def test_the_right_password_is_accepted_and_another_is_not() -> None:
    assert verify_password("correct horse", STORED)
    assert not verify_password("correct hors", STORED)


def test_the_hash_does_not_hold_the_password_and_depends_on_the_salt() -> None:
    assert "correct" not in STORED
    assert hash_password("correct horse", b"fedcba9876543210") != STORED


def test_an_unknown_user_has_no_password_at_all() -> None:
    assert not verify_password("", None)
    assert not verify_password("correct horse", None)


@pytest.mark.parametrize("stored", ["", "scrypt", "scrypt$a$b$c$d$e", "bcrypt" + STORED[6:], "scrypt$0$0$0$00$00"])
def test_a_broken_hash_lets_nobody_in(stored: str) -> None:
    assert not verify_password("correct horse", stored)


def test_the_form_of_a_hash_is_known() -> None:
    assert well_formed(STORED)
    assert not well_formed("plain text")
