"""`sweetspot doctor`: what this machine can and cannot measure, before anyone waits for a run."""
