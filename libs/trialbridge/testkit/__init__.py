"""The testkit room."""
