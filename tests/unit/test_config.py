"""Settings from the environment: defaults that work, and an error that names the variable."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from shared.config import Settings
from shared.errors import ConfigError


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_each_setting_is_read_from_its_variable_with_its_type() -> None:
    examples: dict[str, str] = {}
    for field in dataclasses.fields(Settings):
        examples[field.name.upper()] = {"str": "text", "int": "7", "float": "0.25", "bool": "true"}[str(field.type)]
    settings = Settings.from_environment(examples)
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        assert value == {"str": "text", "int": 7, "float": 0.25, "bool": True}[str(field.type)]
        assert type(value).__name__ == field.type


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MAX_UNITS", "many"),
        ("MIN_MINUTES", "15 min"),
        ("ASSUMED_PRICE", "-110.5"),
        ("WITHHOLD_PICKS_WITHOUT_INJURIES", "perhaps"),
        ("WITHHOLD_PICKS_WITHOUT_INJURIES", ""),
    ],
)
def test_a_value_that_does_not_fit_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}='{text}'"):
        Settings.from_environment({name: text})


def test_other_variables_are_nobodys_business() -> None:
    assert Settings.from_environment({"PATH": "/bin", "max_units": "3"}) == Settings()


def test_secrets_are_not_shown_with_the_settings() -> None:
    """Tracebacks with locals, assertion diffs and log lines show a repr; Runtime's and Context's hold this one."""
    settings = Settings(odds_api_key="x-secret", proxy_url="http://me:x-secret@proxy:8080")
    assert "x-secret" not in repr(settings)
    assert "max_units=200" in repr(settings)


def test_every_setting_has_a_sentence() -> None:
    source = inspect.getsource(Settings)
    for field in dataclasses.fields(Settings):
        after = source.partition(f"    {field.name}: ")[2].splitlines()[1].strip()
        assert after.startswith('"""'), field.name
        assert after.endswith('."""') or after.count('"""') == 1, field.name
        assert len(after) > 15, field.name
