"""Reads official and own files of terms into tables: what is wrong with a row is said with its place, the good rows go on."""
