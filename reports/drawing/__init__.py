"""How figures are drawn: axes, colours, inline SVG. Knows no run."""
