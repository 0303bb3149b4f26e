"""The EfficientNet-Lite graph: trained weights in, one ONNX model out. Used by `vision.build` alone.

    image uint8 [batch, size, size, 3]
      > normalise > stem > 7 stages of MBConv blocks > head > mean > linear > softmax >
    probabilities float32 [batch, 1000]

The layers are those of Tan and Le, "EfficientNet" (arXiv:1905.11946), table 1, in its Lite form: ReLU6, no
squeeze-and-excitation, and a stem and a head that do not grow with the version.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper

from vision.errors import ModelError
from vision.releases import NAME
from vision.weights import Weights

CLASSES = 1000
BATCH_NORM_EPSILON = 1e-3
# Old enough for every server that mounts this file, new enough for all that we use.
OPSET, IR_VERSION = 17, 8
# (blocks, stride of the first of them) of each stage; kernels and channels are in the shapes of the weights.
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))


class Network(NamedTuple):
    """A serialised ONNX model, and how many trained numbers it holds once batch normalisation is folded away."""

    model: bytes
    parameters: int


def build_network(weights: Weights, *, size: int, depth: float, softmax: bool = True) -> Network:
    """Return the model, the same bytes for the same weights.

    `size` is the side of the input in pixels. Without `softmax` the output is `logits`, for comparing networks.
    Raise `ModelError` where the weights are not those of a network of this depth.
    """
    graph = _Graph(weights)
    x = _stem(graph, "image")
    x = _blocks(graph, x, depth)
    x = _head(graph, x)
    if softmax:
        x = graph.add("Softmax", "probabilities", x, axis=1)
    return Network(graph.serialise(size, x), graph.count_parameters())


def _stem(graph: "_Graph", image: str) -> str:
    # The network sees (image - 127) / 128, padded with zeros. The division is exact and keeps zero zero, so it moves
    # into the kernel for nothing; the subtraction may not move, or the padding would no longer be zero.
    x = graph.add("Transpose", "planes", image, perm=(0, 3, 1, 2))
    x = graph.add("Cast", "floats", x, to=TensorProto.FLOAT)
    x = graph.add("Sub", "centred", x, graph.constant("mean", 127))
    return graph.convolve(x, "_conv_stem", "_bn0", stride=2, scale=1 / 128)


def _blocks(graph: "_Graph", x: str, depth: float) -> str:
    block = 0
    for stage, (repeats, stride) in enumerate(STAGES):
        fixed = stage in (0, len(STAGES) - 1)
        for repeat in range(repeats if fixed else math.ceil(repeats * depth)):
            x = _mbconv(graph, x, f"_blocks.{block}", stride=1 if repeat else stride, residual=repeat > 0)
            block += 1
    return x


def _mbconv(graph: "_Graph", x: str, block: str, *, stride: int, residual: bool) -> str:
    """Widen, convolve each channel alone, narrow without activation (MobileNetV2, arXiv:1801.04381, section 3)."""
    shortcut = x
    if f"{block}._expand_conv.weight" in graph.weights:
        x = graph.convolve(x, f"{block}._expand_conv", f"{block}._bn0")
    x = graph.convolve(x, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride)
    x = graph.convolve(x, f"{block}._project_conv", f"{block}._bn2", relu6=False)
    return graph.add("Add", f"{block}.sum", x, shortcut) if residual else x


def _head(graph: "_Graph", x: str) -> str:
    x = graph.convolve(x, "_conv_head", "_bn1")
    x = graph.add("GlobalAveragePool", "mean_over_pixels", x)
    x = graph.add("Flatten", "features", x)
    matrix, bias = (graph.constant(name, graph.take(name)) for name in ("_fc.weight", "_fc.bias"))
    return graph.add("Gemm", "logits", x, matrix, bias, transB=1)


class _Graph:
    """A graph in the making: a method that adds a step returns the name of its output."""

    def __init__(self, weights: Weights) -> None:
        self.weights = {name: array for name, array in weights.items() if not name.endswith("num_batches_tracked")}
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []

    def take(self, name: str) -> NDArray[np.float64]:
        """Each weight is used once, so what is left over at the end shows a network of the wrong shape."""
        try:
            return self.weights.pop(name).astype(np.float64)
        except KeyError:
            raise ModelError(f"these are not the weights of this network: there is no {name}") from None

    def add(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401  (ONNX's own)
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, value: ArrayLike) -> str:
        self.tensors.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def convolve(self, x: str, conv: str, norm: str, *, stride: int = 1, relu6: bool = True, scale: float = 1.0) -> str:
        """Convolution, batch normalisation and ReLU6, the first two folded into one; `scale` multiplies the input."""
        kernel, bias = self._fold(conv, norm)
        x = self.add(
            "Conv",
            conv,
            x,
            self.constant(f"{conv}.kernel", kernel * scale),
            self.constant(f"{conv}.bias", bias),
            strides=(stride, stride),
            # TensorFlow's "same": where the padding is odd, the extra pixel is at the end.
            auto_pad="SAME_UPPER",
            group=len(kernel) if kernel.shape[1] == 1 else 1,
        )
        return self.add("Clip", f"{conv}.relu6", x, "zero", "six") if relu6 else x

    def _fold(self, conv: str, norm: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Batch normalisation, gamma (Wx - mean) / sqrt(var + eps) + beta, as one W'x + b' (arXiv:1502.03167)."""
        gamma, beta, mean, variance = (
            self.take(f"{norm}.{part}") for part in ("weight", "bias", "running_mean", "running_var")
        )
        gain = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        return self.take(f"{conv}.weight") * gain[:, None, None, None], beta - mean * gain

    def count_parameters(self) -> int:
        return sum(math.prod(tensor.dims) for tensor in self.tensors if tensor.dims)  # the scalars are not trained

    def serialise(self, size: int, output: str) -> bytes:
        if self.weights:
            raise ModelError(f"these are not the weights of this network: {', '.join(self.weights)} left over")
        self.constant("zero", 0)
        self.constant("six", 6)
        return serialise(self.nodes, self.tensors, NAME, size, output)


def serialise(nodes: list[NodeProto], tensors: list[TensorProto], name: str, size: int, output: str) -> bytes:
    """Return the ONNX model of these steps and constants, with the input and output that all of our models have."""
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ("batch", size, size, 3))],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ("batch", CLASSES))],
        tensors,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="sweetspot"
    )
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
