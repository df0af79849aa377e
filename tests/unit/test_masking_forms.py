"""Secrets in the less usual forms: proxies without a scheme, passwords with an @, percent, JSON and base64 forms."""

from __future__ import annotations

import base64
import json
import logging
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from docent.config import load_config
from docent.errors import ConfigError
from docent.logs import JsonFormatter
from docent.messages import masking
from docent.messages.masking import MASK, holds_secret, mask


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_remembered", set())


@pytest.mark.parametrize("scheme", ["http://", ""])
@pytest.mark.parametrize("password", ["gr@ve1-and-stone", "no/slash+in=it-77", "plain-stone-77"])
def test_a_proxy_password_is_masked_whatever_it_holds_and_without_a_scheme(scheme: str, password: str) -> None:
    proxy = f"{scheme}mason:{password}@proxy.example:3128"
    basic = base64.b64encode(f"mason:{password}".encode()).decode()
    said = f"cannot connect to {proxy} with {password}, Proxy-Authorization {basic}"
    masked = mask(said, {"HTTPS_PROXY": proxy})
    assert masked == f"cannot connect to {scheme}{MASK}@proxy.example:3128 with {MASK}, Proxy-Authorization {MASK}"
    assert holds_secret("HTTPS_PROXY", proxy)


def test_an_address_with_an_at_sign_in_its_password_is_masked_whole_without_being_known() -> None:
    assert mask("see https://mason:gr@ve1@host.example/v1", {}) == f"see https://{MASK}@host.example/v1"


def test_a_key_is_masked_in_percent_json_and_base64_form() -> None:
    key = 'ab"c/d+e=f\\gh ijkl-mnop'
    forms = [quote(key), quote(key, safe=""), json.dumps(key)[1:-1]]
    forms.append(re.sub("%..", lambda found: found[0].lower(), quote(key, safe="")))
    forms.append(base64.b64encode(key.encode()).decode())
    for form in forms:
        assert mask(f"<{form}>", {"SOME_API_KEY": key}) == f"<{MASK}>"


def test_user_names_and_short_decoded_values_change_no_other_text() -> None:
    environ = {"GIT_URL": "ssh://developer@host.example/x", "DB_PASSWORD": "%61%6e%64", "A_URL": "https://app:pw@host"}
    assert mask("the developer and the app of pw", environ) == "the developer and the app of pw"


def test_a_json_log_line_with_control_and_surrogate_characters_is_ascii_safe_json() -> None:
    record = logging.LogRecord("docent", 30, "", 0, "T\udcf6ne \x9b2J \u202eabc", (), None)
    line = JsonFormatter().format(record)
    line.encode()
    assert "\x9b" not in line and "\u202e" not in line
    assert json.loads(line)["message"] == "T\\udcf6ne \\x9b2J \\u202eabc"


@pytest.mark.parametrize(
    "override",
    [
        "kubernetes.env={PGPASSWORD: 77001234}",
        "kubernetes.env={HTTPS_PROXY: 'mason:77001234@proxy:3128'}",
        "llm.extra_body={api_key: 'x77001234'}",
        "llm.extra_body={note: 'sk-77001234abcdefghijkl'}",
        "llm.base_url=https://host.example/sk-77001234abcdefghijkl/v1",
    ],
)
def test_a_secret_in_the_configuration_is_refused_without_repeating_it(tmp_path: Path, override: str) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("run: {name: test}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, [override], environ={})
    assert "77001234" not in str(caught.value)


def test_fields_of_a_request_that_only_sound_like_keys_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("run: {name: test}\n", encoding="utf-8")
    override = "llm.extra_body={prompt_cache_key: museum, stop_token_ids: [1], max_completion_tokens: 10}"
    assert load_config(file, [override], environ={}).llm.extra_body["prompt_cache_key"] == "museum"
