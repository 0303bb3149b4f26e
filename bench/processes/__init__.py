"""Anything that is started: guard, pipes, ports, turns."""
