"""A judge that the generator's process finds by its name: right is whoever shouts the word."""

from bench.load.answers import Verdict
from bench.load.client import Answer
from bench.load.plan import Judge, Target


def judge(of: str) -> Judge:
    def shouted(_case: str, answer: Answer, target: Target) -> Verdict:
        right = answer.body.decode() == of.upper()
        return Verdict("ok" if right else "wrong", {"source": target["id"]})

    return shouted
