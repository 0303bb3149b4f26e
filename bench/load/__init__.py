"""The load: what is sent when, by whom, and what became of it."""
