"""What is written down agrees with what is built."""

import json
import re
from pathlib import Path

from shared.settings import Settings

ROOT = Path(__file__).parent.parent
HOSTS_OWN = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}


def test_the_sample_names_every_setting_and_no_other() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())
    assert set(sample["Values"]) - HOSTS_OWN == set(Settings.names())
    assert all(isinstance(value, str) for value in sample["Values"].values())


def test_the_sample_is_valid_and_shows_the_defaults() -> None:
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    settings = Settings.from_environ(values)
    for info in Settings.model_fields.values():
        if not info.is_required() and info.default != "":
            assert values[str(info.alias)].lower() == str(info.default).lower() or info.alias == "SyncStorage"
    assert settings.window_future_days == 1460


def test_the_document_describes_every_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Za-z_]+)` \| (.+?) \|", text, re.MULTILINE))
    assert set(rows) == set(Settings.names())
    for info in Settings.model_fields.values():
        given = rows[str(info.alias)].strip("`")
        if info.is_required() or info.default == "":
            assert given == "–", info.alias
        else:
            assert given == str(info.default).removesuffix("/").replace("True", "true"), info.alias


def test_the_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make run" in text
    assert "make test" in text
