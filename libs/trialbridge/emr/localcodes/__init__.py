"""Codes of a feed's own: found in records, mapped to standard ones by people, applied beside the local code. Pure."""
