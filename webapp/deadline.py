"""How long a prediction may take, the same for every architecture whose requests wait for a model.

A photo that takes long to decode has more time, or it could never be answered; how much is known before (`imaging`).
"""

import os

from imaging.cost import Cost
from webapp.settings import SettingsError

USUAL_S = 0.3
PATIENCE = 3.0  # times what decoding a large photo should take: the core may be shared, and slower than most


def usual_s() -> float:
    """Return the usual deadline in seconds: $SWEETSPOT_DEADLINE_MS, or 0.3; raise SettingsError."""
    text = os.environ.get("SWEETSPOT_DEADLINE_MS", "")
    try:
        seconds = float(text) / 1e3 if text else USUAL_S
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:  # noqa: PLR2004  (which leaves out what is no number, too)
        raise SettingsError(f"SWEETSPOT_DEADLINE_MS must be milliseconds, like 300, not {text!r}")
    return seconds


def allowed_s(cost: Cost, usual: float = USUAL_S) -> float:
    """Return how many seconds the prediction for one photo may take."""
    return usual + (PATIENCE * cost.seconds if cost.large else 0.0)
