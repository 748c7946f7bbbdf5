"""A stage of the stream: Faust behind one boundary that decodes, calls a handler, waits for durability, then acknowledges."""
