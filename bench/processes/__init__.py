"""Anything that is started: guard, ports, turns, fields of its command."""
