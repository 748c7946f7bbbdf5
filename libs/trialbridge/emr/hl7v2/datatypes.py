"""Times and numbers of HL7 v2, under the name that other rooms know them by."""

from trialbridge.emr.hl7v2.times import number, timestamp

__all__ = ["number", "timestamp"]
