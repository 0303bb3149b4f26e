"""The model, the same for all three variants: build it, prepare photos for it, classify them. Knows no web."""
