"""The latency experiment: the variants of the product under rising load."""
