"""What is remembered never grows beyond its bound."""

from trialbridge.emr.bounded import MOST, Bounded


def test_it_begins_anew_at_its_bound() -> None:
    memory: Bounded[int, int] = Bounded(5)
    for number in range(8):
        assert memory.keep(number, -number) == -number
        assert len(memory) <= 5
    assert memory == {5: -5, 6: -6, 7: -7}
    assert Bounded[int, int]().most == MOST
