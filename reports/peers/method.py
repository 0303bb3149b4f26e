"""How inference servers were compared, in sentences made from what a run says of itself."""

from reports.wording import counted
from runfile.facts import Peers

ALWAYS = (
    "Every server answers the same question: an encoded photo in, five labels with scores out.",
    "Around it is the same code for image and model, on the same cores; the clients have others.",
    "The bare loop runs that code over the same photos with nothing around it, in short turns with each server.",
    "A share of the bare loop is one of the neighbouring turns: a machine changes within seconds. So is the own cost.",
    "Throughput, share and own cost of a block are medians over its rounds: a pause of the machine hits single turns.",
    "Own cost is the time per request, with eight clients and a model that does nothing, beyond that of the bare loop.",
    "Closed loop: each client sends its next request when it has its answer. Only right answers count as throughput.",
    "A server that works while nobody asks slows the bare loop beside it: its share can even come out above 1.",
    "The clients poll and never sleep, so that waking them is not taken for time of the server.",
    "Their turnaround is what they themselves take from an answer to their next request.",
    "Overload is an open loop: Poisson arrivals, however slow the answers are. Latency counts from when one was due.",
    "Capacity is what this very server carried with eight clients just before and, but for the last step, just after.",
    "Each request says its deadline, the objective, in the header X-Request-Timeout-Ms, to whoever reads it.",
    "Goodput is right answers within the objective while the load lasts. After its end nothing competes any more.",
    "Refused is who got 503 or 429; all others were accepted.",
    "One that is accepted and fails, or has no answer when patience ends, counts as infinitely slow.",
    "Among all requests, so does one that was refused. A percentile that such requests reach reads “fails”.",
    "A step does not count that was not sent as a whole and in time, or around which capacity changed by a quarter.",
    "A percentile that the number of requests cannot carry reads “withheld”.",
)
ONE = "There was one block, so no number has an interval, and no promise that needs one is judged."
SEVERAL = "Intervals are of 95 % over {blocks}, in each of which every server ran once, in a balanced seeded order."


def sentences(found: Peers) -> list[str]:
    """Return what a reader must know of the measurement, in reading order."""
    blocks = len({trial.block for trial in found.trials})
    return [*ALWAYS, ONE if blocks <= 1 else SEVERAL.format(blocks=counted(blocks, "block"))]
