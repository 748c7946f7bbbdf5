"""The criteria language, the facts it eats, verdicts and explanations. Pure: no I/O, no clock."""
