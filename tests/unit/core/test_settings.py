"""Settings from the environment: defaults that work, and an error that names the variable."""

from __future__ import annotations

import dataclasses
import inspect

import httpx
import pytest

from shared.core.errors import ConfigError
from shared.core.redaction import redact
from shared.core.settings import Settings

PROXY = "http://nba-scraper-7:p%2Fss%40w%25rd!x9@proxy.example:8080"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_each_setting_is_read_from_its_variable_with_its_type() -> None:
    examples: dict[str, str] = {}
    for field in dataclasses.fields(Settings):
        examples[field.name.upper()] = {"str": "text", "int": "7", "float": "0.25", "bool": "true"}[str(field.type)]
    examples["PROXY_URL"] = PROXY
    settings = Settings.from_environment(examples)
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        expected = {"str": "text", "int": 7, "float": 0.25, "bool": True}[str(field.type)]
        assert value == (PROXY if field.name == "proxy_url" else expected)
        assert type(value).__name__ == field.type


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MAX_UNITS", "many"),
        ("MIN_MINUTES", "15 min"),
        ("ASSUMED_PRICE", "-110.5"),
        ("BEST_BETS_PER_PLAYER", "0"),
        ("BEST_BETS_PER_PLAYER", "-1"),
        ("BEST_BETS_PER_PLAYER", "one"),
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
    """Tracebacks with locals, assertion diffs and log lines show a repr; Runtime's and Context's
    hold this one.
    """
    settings = Settings(odds_api_key="x-secret", proxy_url="http://me:x-secret@proxy:8080")
    assert "x-secret" not in repr(settings)
    assert "max_units=20" in repr(settings)


def test_every_setting_has_a_sentence() -> None:
    source = inspect.getsource(Settings)
    for field in dataclasses.fields(Settings):
        after = source.partition(f"    {field.name}: ")[2].splitlines()[1].strip()
        assert after.startswith('"""'), field.name
        assert after.endswith('."""') or after.count('"""') == 1, field.name
        assert len(after) > 15, field.name


# --- secrets: named with the rule they break, never quoted ----------------------------------------

SECRET = "hunter2hunter2"
WRONG_PROXIES = [
    f"user:{SECRET}@proxy.example:8080",
    f"//user:{SECRET}@proxy.example:8080",
    f"ftp://user:{SECRET}@proxy.example:8080",
    f"socks5://user:{SECRET}@proxy.example:1080",
    f"http:/user:{SECRET}@proxy.example",
    f"http://user:{SECRET}/x@proxy.example:8080",
    f"http://user:/{SECRET}@proxy.example:8080",
    f"http://user:{SECRET}@x@proxy.example:8080",
    f"http://user:{SECRET}#x@proxy.example:8080",
    f"http://user:{SECRET}?x@proxy.example:8080",
    f"http://user:{SECRET}\\x@proxy.example:8080",
    f"http://user:{SECRET}:x@proxy.example:8080",
    f"http://user:{SECRET}%@proxy.example:8080",
    f"http://user:{SECRET}%zz@proxy.example:8080",
    f"http://user:{SECRET}%0a@proxy.example:8080",
    f"http://user:{SECRET} x@proxy.example:8080",
    f"http://user:{SECRET}é@proxy.example:8080",
    f"http://user:{SECRET}[x@proxy.example:8080",
    f"http://user:{SECRET}@",
    f"http://user:{SECRET}@:8080",
    f"http://user:{SECRET}@proxy.example:",
    f"http://user:{SECRET}@proxy.example:0",
    f"http://user:{SECRET}@proxy.example:65536",
    f"http://user:{SECRET}@proxy.example:80a",
    f"http://user:{SECRET}@proxy.example:8080/path",
    f"http://user:{SECRET}@proxy.example:8080?x=1",
    f"http://user:{SECRET}@proxy..example:8080",
    f"http://user:{SECRET}@[::1",
    f"http://:{SECRET}@proxy.example:8080",
    f" http://user:{SECRET}@proxy.example:8080",
    f"http://user:{SECRET}@proxy.example:8080\n",
    f"{SECRET}",
]


def chain_of(error: BaseException | None) -> str:
    return "" if error is None else f"{error!r} {error} {chain_of(error.__cause__ or error.__context__)}"


@pytest.mark.parametrize("value", WRONG_PROXIES)
def test_a_wrong_proxy_is_refused_by_its_rule_and_never_quoted(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^PROXY_URL .*Next: ") as refused:
        Settings.from_environment({"PROXY_URL": value})
    messages = chain_of(refused.value)
    assert not any(SECRET[at : at + 5] in messages for at in range(len(SECRET) - 4))
    assert "proxy.example" not in messages


@pytest.mark.parametrize(
    "value",
    [
        "",
        PROXY,
        "http://proxy.example:8080",
        "https://user@proxy.example",
        "http://user:pass@10.0.0.1:3128/",
        "http://user:p%2Fss@[::1]:8080",
        "HTTP://user-zone.1:a$b&c(d)*+,;=~x@proxy_1.example:65535",
    ],
)
def test_a_proxy_that_httpx_understands_is_taken(value: str) -> None:
    assert Settings.from_environment({"PROXY_URL": value}).proxy_url == value
    assert httpx.Proxy(value or "http://none").url.host


@pytest.mark.parametrize(
    "value", [f"{SECRET}\n", f" {SECRET}", f"{SECRET} {SECRET}", f"{SECRET}\x00", f"{SECRET}é", "hun", SECRET * 30]
)
def test_a_wrong_key_is_refused_by_its_rule_and_never_quoted(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^ODDS_API_KEY has .*Next: ") as refused:
        Settings.from_environment({"ODDS_API_KEY": value})
    assert value[:3] not in chain_of(refused.value)


@pytest.mark.parametrize(
    "name", [each.name.upper() for each in dataclasses.fields(Settings) if each.name.endswith("_base_url")]
)
@pytest.mark.parametrize(
    "value", [f"https://me:{SECRET}@host", f"https://host?apiKey={SECRET}", f"https://ho st#{SECRET}"]
)
def test_an_address_that_is_logged_holds_no_secret(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} ") as refused:
        Settings.from_environment({name: value})
    assert SECRET not in chain_of(refused.value)


def test_a_setting_whose_name_says_secret_is_one() -> None:
    for field in dataclasses.fields(Settings):
        named_secret = (
            field.name.endswith(("_key", "_token", "_password", "_secret", "_webhook")) or "proxy" in field.name
        )
        assert named_secret == ("protect" in field.metadata), field.name
        assert named_secret == (not field.repr), field.name


def test_settings_make_their_secrets_known_to_the_redaction() -> None:
    Settings(odds_api_key="k3y-0f-the-0dds/api", proxy_url="http://me:pr0xy%2Fpass@host:1")
    assert redact("a k3y-0f-the-0dds%2Fapi b pr0xy/pass c pr0xy%2fpass") == "a *** b *** c ***"
    Settings(proxy_url="me:wr0ng/pr0xy@host")  # refused where it is used; known all the same
    assert redact("wr0ng/pr0xy") == "***"


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999"])
def test_a_number_that_compares_with_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"MIN_COVERAGE=.* is not a float"):
        Settings.from_environment({"MIN_COVERAGE": text})
