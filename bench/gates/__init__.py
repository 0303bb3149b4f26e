"""Thresholds as data, and verdicts by them."""
