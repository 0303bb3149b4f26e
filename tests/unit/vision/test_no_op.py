import numpy as np
import onnx
import onnxruntime
import pytest

from vision.no_op import build_no_op


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(build_no_op(224).model, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_answers_every_photo_of_a_batch_with_the_same_probabilities(session, batch):
    pixels = np.random.default_rng(batch).integers(0, 256, (batch, 224, 224, 3), np.uint8)

    (probabilities,) = session.run(None, {"image": pixels})

    assert (probabilities.shape, probabilities.dtype) == ((batch, 1000), np.float32)
    assert (probabilities == probabilities[0]).all()
    assert probabilities[0].argmax() == 0
    assert probabilities[0].sum() == pytest.approx(1, abs=1e-5)


def test_has_the_interface_of_the_real_model(models):
    def interface(model):
        return [(value.name, value.type) for value in (*model.graph.input, *model.graph.output)]

    real = onnx.load(models / "efficientnet-lite" / "1" / "model.onnx")
    assert interface(onnx.load_from_string(build_no_op(224).model)) == interface(real)


def test_takes_no_photo_of_another_size(session):
    with pytest.raises(Exception, match="image"):
        session.run(None, {"image": np.zeros((1, 100, 100, 3), np.uint8)})
