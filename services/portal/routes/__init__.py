"""The portal's routes: one file for each kind of reader, and the JSON API."""
