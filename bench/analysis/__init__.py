"""From raw rows to judged numbers: statistics, gates, thresholds. Starts nothing, waits for nothing."""
