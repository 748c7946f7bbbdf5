"""What may be said of bytes that do not follow a contract: the path, never a value or a name that came with them."""

import msgspec
import pytest

from trialbridge.contracts.errors import NOT_AS_DESCRIBED, json_path


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: int = 0
    names: dict[str, int] = {}


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    inner: Inner = Inner()
    rows: list[Inner] = []


def path_of(body: bytes) -> str:
    with pytest.raises(NOT_AS_DESCRIBED) as error:
        msgspec.json.decode(body, type=Outer)
    return json_path(error.value)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"inner":{"count":"x"}}', "$.inner.count"),
        (b'{"rows":[{},{"count":[]}]}', "$.rows[1].count"),
        (b'{"inner":{"names":{"Quillonbraxe":"x"}}}', "$.inner.names[...]"),
        (b'{"inner":{"Quillonbraxe":1}}', "$.inner"),
        (b'{"Quillonbraxe":1}', "$"),
        (b'{"$Quillonbraxe":1}', "$"),
        (b'{"x` - at `$Quillonbraxe":1}', "$"),
        (b'{"inner":{"x` - at `$..Quillonbraxe":1}}', "$.inner"),
        (b"[]", "$"),
        (b"", "$"),
    ],
)
def test_the_path_is_said_and_nothing_that_was_sent(body: bytes, path: str) -> None:
    assert path_of(body) == path


@pytest.mark.parametrize("body", [b'{"inner":"\xc3("}', b'{"\xc3(":1}', b'{"more":' + b"[" * 100_000, b'{"rows":['])
def test_hostile_bytes_are_all_of_the_kinds_that_are_caught(body: bytes) -> None:
    assert path_of(body).startswith("$")
