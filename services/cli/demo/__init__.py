"""The demo: synthetic practices feed the real services, and the whole way of the data is shown."""
