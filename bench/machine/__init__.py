"""The machine: its cores, what its processes use, what the bare model can do on it."""
