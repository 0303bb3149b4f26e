"""The product around a fake predictor: every outcome of a prediction, as API answer and as page."""

import pytest
from flask.testing import FlaskClient

from imaging import turns
from tests.fakes import FakePredictor
from webapp.factory import create_app
from webapp.photos import PhotoStore
from webapp.predictor import PredictionError, PredictionPending, PredictorUnavailable, UnreadablePhoto


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def client(store: PhotoStore, predictor: FakePredictor) -> FlaskClient:
    return create_app(store, predictor).test_client()


FAILURES = [
    (PredictionPending("not yet"), 202),
    (PredictorUnavailable("it is down", retry_after=7), 503),
    (UnreadablePhoto("no image"), 422),
]


@pytest.mark.parametrize(("error", "status"), FAILURES)
def test_the_api_translates_what_a_predictor_raises(
    client: FlaskClient, predictor: FakePredictor, photo_id: int, error: PredictionError, status: int
) -> None:
    predictor.error = error
    answer = client.get(f"/api/photos/{photo_id}/prediction")
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["detail"] == str(error)
    assert answer.headers.get("Retry-After") == ("7" if status == 503 else None)


@pytest.mark.parametrize(("error", "status"), FAILURES)
def test_the_photo_page_renders_without_a_prediction_and_says_so(
    client: FlaskClient, predictor: FakePredictor, photo_id: int, error: PredictionError, status: int
) -> None:
    predictor.error = error
    answer = client.get(f"/photos/{photo_id}")
    assert answer.status_code == 200
    assert "Coffee" in answer.text
    assert 'class="notice"' in answer.text


def test_the_photo_page_shows_five_bars(client: FlaskClient, photo_id: int) -> None:
    assert client.get(f"/photos/{photo_id}").text.count('class="bar"') == 5


def test_liveness_never_asks_the_predictor_and_readiness_does(client: FlaskClient, predictor: FakePredictor) -> None:
    predictor.error = PredictorUnavailable("down")
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert predictor.asked == []


def test_metrics_count_outcomes_even_while_the_predictor_is_down(
    client: FlaskClient, predictor: FakePredictor, photo_id: int
) -> None:
    client.get(f"/api/photos/{photo_id}/prediction")
    predictor.error = PredictorUnavailable("down")
    client.get(f"/api/photos/{photo_id}/prediction")
    text = client.get("/metrics").text
    assert 'sweetspot_predictions_total{outcome="ok"} 1.0' in text
    assert 'sweetspot_predictions_total{outcome="PredictorUnavailable"} 1.0' in text


def test_every_answer_says_where_its_time_went(client: FlaskClient, photo_id: int) -> None:
    for path in ("/", f"/photos/{photo_id}", f"/api/photos/{photo_id}", "/livez", "/nothing-here"):
        assert client.get(path).headers["Server-Timing"].startswith("app;dur=")
    assert "db;dur=" in client.get(f"/api/photos/{photo_id}").headers["Server-Timing"]


def test_an_upload_by_form_leads_to_its_page(client: FlaskClient, jpeg: bytes) -> None:
    import io

    answer = client.post("/photos", data={"image": (io.BytesIO(jpeg), "my-cup.jpg")}, follow_redirects=True)
    assert answer.status_code == 200
    assert ">my-cup</h1>" in answer.text


def test_a_bad_upload_by_form_shows_the_form_again_and_why(client: FlaskClient, store: PhotoStore) -> None:
    import io

    for data, why in (
        ({}, "Choose a photo"),
        ({"image": (io.BytesIO(b"text"), "text.jpg")}, "neither JPEG, PNG nor WebP"),
    ):
        answer = client.post("/photos", data=data, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert why in answer.text
        assert "<form" in answer.text
    assert store.newest(None, 1) == []


def test_a_title_cannot_carry_markup_or_control_characters(client: FlaskClient, jpeg: bytes) -> None:
    title = "<script>\x00\u202e x"
    photo = client.post("/api/photos", query_string={"title": title}, data=jpeg, content_type="image/jpeg").json
    assert photo is not None
    assert photo["title"] == "<script> x"
    assert "<script>" not in client.get(f"/photos/{photo['id']}").text


def test_an_unexpected_error_is_a_500_without_details(
    client: FlaskClient, photo_id: int, predictor: FakePredictor, caplog: pytest.LogCaptureFixture
) -> None:
    predictor.error = RuntimeError("secret")  # type: ignore[assignment]
    answer = client.get(f"/api/photos/{photo_id}/prediction")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret" in caplog.text


def test_a_photo_that_takes_too_long_to_decode_is_noticed_by_readiness(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr(turns, "OVERRUN_S", -1.0)
    with turns.turn():
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
