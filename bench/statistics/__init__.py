"""Pure numbers: estimates with their doubt, noise, steadiness, capacity."""
