"""The patients of a large conversion: their records are made when somebody asks for them."""

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from trialbridge.emr.records import PatientRecords


class Patients(Sequence[PatientRecords]):
    """Patients whose records are made when they are asked for, so that all of them are never in memory at once."""

    def __init__(self, names: Sequence[str], make: Callable[[str], PatientRecords]) -> None:
        """Begin with local ids and how to make one's records."""
        self._names = names
        self._make = make

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)

    def __iter__(self) -> Iterator[PatientRecords]:
        """Yield them one after the other."""
        return (self._make(one) for one in self._names)

    @overload
    def __getitem__(self, index: int) -> PatientRecords: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PatientRecords]: ...
    def __getitem__(self, index: int | slice) -> PatientRecords | Sequence[PatientRecords]:
        """Return one, or some."""
        if isinstance(index, slice):
            return Patients(self._names[index], self._make)
        return self._make(self._names[index])
