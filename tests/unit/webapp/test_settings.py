import pytest

from webapp.database import connect
from webapp.settings import Settings, SettingsError


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEETSPOT_DATA", raising=False)
    with pytest.raises(SettingsError, match="SWEETSPOT_DATA is not set"):
        Settings.from_env()


@pytest.mark.parametrize("url", ["nonsense", "nosuchdatabase://host/name", "mysql://host/name"])
def test_a_database_url_that_cannot_be_used_is_shown_with_the_forms_that_can(url: str) -> None:
    with pytest.raises(SettingsError, match="or postgresql://"):
        connect(url)
