"""What the services promise one another: ids, events, topics, documents and errors. No I/O, no logic beyond naming."""
