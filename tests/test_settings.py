"""Settings: every problem at once, never a value."""

import json
from pathlib import Path

import pytest

from shared.settings import Settings, SettingsFault

SAMPLE = json.loads((Path(__file__).parent.parent / "local.settings.sample.json").read_text())["Values"]


def test_every_problem_is_listed_at_once() -> None:
    with pytest.raises(SettingsFault) as caught:
        Settings.from_environ({})
    named = " ".join(caught.value.problems)
    for name in ("AZURE_CLIENT_ID", "AZURE_REDIRECT_URI", "KEY_VAULT_URL", "PUBLIC_BASE_URL", "WEDSYNC_API_URL"):
        assert name in named


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_BASE_URL", "http://plain.example/hush"),
        ("GRAPH_BASE_URL", "hush"),
        ("SYNC_WINDOW_FUTURE_DAYS", "hush"),
        ("SYNC_WINDOW_FUTURE_DAYS", "1900"),
        ("SUBSCRIPTION_MINUTES", "10081"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsFault) as caught:
        Settings.from_environ({**SAMPLE, name: value})
    assert name in caught.value.problems[0]
    assert "hush" not in str(caught.value)


def test_storage_is_a_connection_string_or_two_endpoints() -> None:
    without = {name: value for name, value in SAMPLE.items() if name != "SyncStorage"}
    with pytest.raises(SettingsFault, match="SyncStorage"):
        Settings.from_environ(without)
    endpoints = {
        "SyncStorage__tableServiceUri": "https://a.table.core.windows.net",
        "SyncStorage__queueServiceUri": "https://a.queue.core.windows.net",
    }
    assert Settings.from_environ({**without, **endpoints}).storage_connection_string == ""


def test_the_connection_string_is_not_shown() -> None:
    settings = Settings.from_environ({**SAMPLE, "SyncStorage": "AccountKey=hush"})
    assert "hush" not in repr(settings)
