"""Splits a patient's resources into parts of a size that one record may have."""

from collections.abc import Iterator

from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import PatientRecords, Resource


def split_records(records: PatientRecords, limit: int) -> Iterator[tuple[Resource, ...]]:
    """Yield runs of resources of about ``limit`` bytes of JSON, in order; the Patient leads the first one.

    A single resource over the limit comes alone. Facts that rest on several resources (a report and its observations) are
    read from each observation by itself, so a cut between them loses nothing.
    """
    run: list[Resource] = []
    size = 0
    for resource in records.resources:
        length = len(encode(resource))
        if run and size + length > limit:
            yield tuple(run)
            run, size = [], 0
        run.append(resource)
        size += length
    yield tuple(run)
