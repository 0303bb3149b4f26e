"""The harness: drives every stack with the same load and compares them; it sees only HTTP and `stack.toml`."""
