"""The judge of the product's answers. Named by a plan (`bench.load.plan.PRODUCT`), loaded by the dispatcher."""

from bench.load import answers
from bench.load.answers import Verdict
from bench.load.client import Answer
from bench.load.plan import Judge, Target


def judge(_of: str) -> Judge:
    """Return what judges an answer by its route."""

    def by_route(case: str, answer: Answer, target: Target) -> Verdict:
        return answers.judge(case, answer.status, answer.body, target["id"], target.get("labels", {}))

    return by_route
