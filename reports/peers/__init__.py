"""The room of the comparison with other inference servers."""
