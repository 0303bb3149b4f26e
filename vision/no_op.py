"""The no-op model: a real ONNX graph that looks at no pixel and always answers the same. Used by `vision.build` alone.

    image uint8 [batch, size, size, 3]  >  shape > batch > expand  >  probabilities float32 [batch, 1000]

What is left of a measurement when the model takes no time is what everything around it costs.
"""

import numpy as np
from onnx import helper, numpy_helper

from vision.network import CLASSES, Network, serialise
from vision.releases import NO_OP

RANKED = 64


def build_no_op(size: int) -> Network:
    """Return the model, always the same bytes: half of the probability for class 0, half of the rest for each next.

    A ranking has its five to find, as it has after a real model; a thousand equals would be work of another kind.
    """
    answer = np.zeros((1, CLASSES), np.float32)
    answer[0, :RANKED] = 0.5 ** np.arange(1, RANKED + 1)
    nodes = [
        helper.make_node("Shape", ["image"], ["batch"], start=0, end=1),
        helper.make_node("Concat", ["batch", "one"], ["shape"], axis=0),
        helper.make_node("Expand", ["answer", "shape"], ["probabilities"]),
    ]
    constants = [numpy_helper.from_array(answer, "answer"), numpy_helper.from_array(np.array([1], np.int64), "one")]
    return Network(serialise(nodes, constants, NO_OP, size, "probabilities"), parameters=0)
