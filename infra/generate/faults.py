"""What is wrong with the source of a generated document."""


class Fault(Exception):
    """Something undocumented or untrue; the text says where, and how to mend it."""
