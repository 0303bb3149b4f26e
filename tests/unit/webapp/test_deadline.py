import pytest

from imaging.cost import Cost
from webapp.deadline import PATIENCE, USUAL_S, allowed_s, usual_s
from webapp.settings import SettingsError


def test_a_large_photo_has_more_time() -> None:
    assert allowed_s(Cost(0.004, 1000)) == USUAL_S
    assert allowed_s(Cost(0.5, 1000), 1.0) == 1.0 + PATIENCE * 0.5
    assert allowed_s(Cost(0.01, 100_000_000)) > USUAL_S


def test_the_usual_deadline_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEETSPOT_DEADLINE_MS", raising=False)
    assert usual_s() == USUAL_S
    monkeypatch.setenv("SWEETSPOT_DEADLINE_MS", "150")
    assert usual_s() == 0.15


@pytest.mark.parametrize("text", ["soon", "0", "-5", "nan", "inf", "1e300"])
def test_nonsense_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SWEETSPOT_DEADLINE_MS", text)
    with pytest.raises(SettingsError, match="SWEETSPOT_DEADLINE_MS must be milliseconds"):
        usual_s()
