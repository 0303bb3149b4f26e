"""The judge of the product's answers. Named by a plan (`bench.load.plan.PRODUCT`), loaded by the dispatcher."""

from bench.load import answers
from bench.load.plan import Judge


def judge(_of: str) -> Judge:
    """Return what judges an answer by its route."""
    return lambda case, answer, target: answers.judge(
        case, answer.status, answer.body, target["id"], target.get("labels", {})
    )
