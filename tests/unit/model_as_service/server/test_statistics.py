"""The statistics extension: the counts add up, times are nanoseconds."""

from model_as_service.server.statistics import Statistics


def test_an_unused_version_has_all_fields() -> None:
    facts = Statistics().facts("m", "1")
    nothing = {"count": 0, "ns": 0}
    assert facts == {
        "name": "m", "version": "1", "last_inference": 0, "inference_count": 0, "execution_count": 0, "batch_stats": [],
        "inference_stats": dict.fromkeys(
            ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output"), nothing
        ),
    }  # fmt: skip


def test_batches_by_size() -> None:
    statistics = Statistics()
    for size, decode_s, infer_s in ((4, 0.5, 1.0), (1, 0.25, 0.5), (4, 0.5, 1.0)):
        statistics.batch(size, decode_s, infer_s)
    facts = statistics.facts("m", "1")
    assert (facts["inference_count"], facts["execution_count"]) == (9, 3)
    assert facts["last_inference"] > 1_700_000_000_000  # type: ignore[operator]
    assert facts["batch_stats"] == [
        {
            "batch_size": 1,
            "compute_input": {"count": 1, "ns": 250_000_000},
            "compute_infer": {"count": 1, "ns": 500_000_000},
        },
        {
            "batch_size": 4,
            "compute_input": {"count": 2, "ns": 1_000_000_000},
            "compute_infer": {"count": 2, "ns": 2_000_000_000},
        },
    ]


def test_requests_by_stage() -> None:
    statistics = Statistics()
    statistics.answered(2.0, queue_s=1.0, decode_s=0.25, infer_s=0.5, output_s=0.125)
    statistics.failed(3.0)
    facts = statistics.facts("m", "1")["inference_stats"]
    assert {name: duration["ns"] / 1e9 for name, duration in facts.items()} == {  # type: ignore[attr-defined]
        "success": 2.0, "fail": 3.0, "queue": 1.0, "compute_input": 0.25, "compute_infer": 0.5, "compute_output": 0.125,
    }  # fmt: skip
