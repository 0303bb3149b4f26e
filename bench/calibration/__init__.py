"""Does the load generator tell the truth? It is tried on servers whose response times are known beforehand."""
