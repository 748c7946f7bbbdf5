"""The containers that a bundle may come in, each behind one signature; chosen by magic bytes and metadata in `table`."""
