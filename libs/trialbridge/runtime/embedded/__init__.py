"""An event log in one SQLite file, and the Faust transport on it: the whole product in one process, with no server."""
