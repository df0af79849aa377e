"""Secrets in text from the network and the environment: replaced wherever they stand, and nothing else is."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import pytest

from docent.config import load_config
from docent.errors import ConfigError
from docent.logs import JsonFormatter, PlainFormatter
from docent.messages import masking
from docent.messages.masking import MASK, holds_secret, mask, remember_secret

KEY = "q7Rt-29xLmZ0_vYc5Wd1"


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_remembered", set())


def test_a_remembered_key_is_masked_wherever_it_stands() -> None:
    remember_secret(KEY)
    said = f"HTTP/1.1 {KEY} X-Echo:{KEY}; chunk '{KEY}'"
    assert mask(said, {}) == f"HTTP/1.1 {MASK} X-Echo:{MASK}; chunk '{MASK}'"


@pytest.mark.parametrize("cut", [KEY[:14], KEY[-13:]])
def test_a_key_that_was_cut_in_two_is_masked_by_its_beginning_or_end(cut: str) -> None:
    remember_secret(KEY)
    assert mask(f"bad line {cut} of a header", {}) == f"bad line {MASK} of a header"


@pytest.mark.parametrize("short", ["a", "none", "EMPTY", "x"])
def test_a_placeholder_of_a_few_letters_changes_no_text(short: str) -> None:
    remember_secret(short)
    text = "none of the EMPTY boxes has an axis: a, x"
    assert mask(text, {"SOME_API_KEY": short}) == text


def test_the_password_of_a_proxy_is_masked_in_every_form() -> None:
    proxy = "http://user:p%40ss-w0rd-77@proxy.example:3128"
    environ = {"HTTPS_PROXY": proxy}
    basic = base64.b64encode(b"user:p@ss-w0rd-77").decode()
    said = f"cannot connect to {proxy}: Proxy-Authorization: Basic {basic}; tried p@ss-w0rd-77 and p%40ss-w0rd-77"
    masked = mask(said, environ)
    assert "w0rd" not in masked and basic not in masked
    assert "proxy.example:3128" in masked


def test_values_of_variables_are_masked_by_their_names() -> None:
    environ = {"PGPASSWORD": "long-enough-word", "AWS_SECRET_ACCESS_KEY": "abcd/efgh+ijkl", "PWD": "/home/somebody"}
    assert mask("long-enough-word abcd/efgh+ijkl in /home/somebody", environ) == f"{MASK} {MASK} in /home/somebody"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.DEF-123456",
        "sk-proj-0123456789abcdefghij",
        "hf_abcdefghijklmnopqrstuvwx",
        "ghp_0123456789abcdefghijklmn",
        "https://someone:pw@host.example/v1",
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    ],
)
def test_what_has_the_shape_of_a_credential_is_masked(text: str) -> None:
    assert MASK in mask(text, {})


@pytest.mark.parametrize(
    "text",
    [
        "The basic information is on page 3, the bearer certificates in drawer 12.",
        "mail somebody@museum.example about https://host.example/a@b",
        "tokens per minute: 90000; keyboard; monkey; risk-averse and task-specific",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert mask(text, {}) == text


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("PGPASSWORD", "x", True),
        ("HF_TOKEN", "x", True),
        ("DB_PASS", "x", True),
        ("HTTPS_PROXY", "http://user:pw@proxy:3128", True),
        ("ANYTHING", "sk-0123456789abcdefghij", True),
        ("HTTPS_PROXY", "http://proxy:3128", False),
        ("SSL_CERT_FILE", "/etc/ssl/ca.pem", False),
        ("TOKENIZERS_PARALLELISM", "false", False),
        ("MY_KEY_FILE", "/etc/key.pem", False),
        ("PWD", "/data", False),
    ],
)
def test_secrets_are_told_from_settings(name: str, value: str, secret: bool) -> None:
    assert holds_secret(name, value) is secret


@pytest.mark.parametrize("formatter", [PlainFormatter("%(message)s"), JsonFormatter()])
def test_log_lines_hold_no_secret_and_no_terminal_sequence(formatter: logging.Formatter) -> None:
    remember_secret(KEY)
    try:
        raise ValueError(f"refused {KEY}")
    except ValueError as error:
        record = logging.LogRecord("docent", 30, "", 0, "%s\x1b[2J", (KEY,), (type(error), error, None))
    line = formatter.format(record)
    assert KEY not in line and "\x1b" not in line and MASK in line


@pytest.mark.parametrize(
    "override",
    [
        "llm.base_url=https://someone:hunter2hunter2@host.example/v1",
        "llm.base_url=https://host.example/v1?api-key=hunter2hunter2",
        "llm.base_url=someone:hunter2hunter2@host.example/v1",
        "kubernetes.env={PGPASSWORD: hunter2hunter2}",
        "kubernetes.env={AWS_SECRET_ACCESS_KEY: hunter2hunter2}",
        "kubernetes.env={HTTPS_PROXY: 'http://someone:hunter2hunter2@proxy:3128'}",
    ],
)
def test_a_secret_in_the_configuration_is_refused_without_repeating_it(tmp_path: Path, override: str) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("run: {name: test}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, [override], environ={})
    assert override.partition("=")[0] in str(caught.value)
    assert "hunter2" not in str(caught.value)
