"""Find tokens of chat templates in texts: a trainer would read `<|im_end|>` in an answer as the end of the turn.

`<think>` is allowed: answers with reasoning contain it, and templates expect it. Since a tokenizer cannot distinguish
such text from tokens, a conversation with a token is rejected, or the token is written with a full-width bracket
(`＜image>`), as in prompts for teachers.
"""

import re

from docent.text.prompt_safety import BRACKETED, TOKEN_NAMES

_KEPT = ("think", "/think")
_OF_SWIFT = ("bbox", "ref-object", "cot-process", "start-image")
"""Tokens that ms-swift replaces in any text (`Template.special_tokens`)."""
_NAMES = "|".join([name for name in TOKEN_NAMES.split("|") if name not in _KEPT] + list(_OF_SWIFT))
_TOKEN = re.compile(
    rf"<(?=[|｜][^<>|｜\n]{{1,60}}[|｜]>|(?:{_NAMES})\s{{0,9}}>|</?SYS>>)|\[(?={BRACKETED}\])", re.IGNORECASE
)
_PIPED = re.compile(r"<(?=[|｜][^<>|｜\n]{1,60}[|｜]>)")
"""The only form of OpenAI's own tokens: for OpenAI, `<image>` is text."""
_END = re.compile(r"[|｜]?>|\]")
_WIDE = {"<": "＜", "[": "［"}
MAX_TOKEN_CHARS = 80


def tokens_in(text: str, piped_only: bool = False) -> list[str]:
    """Return the tokens in a text, in order.

    Args:
        piped_only: find only tokens such as `<|im_end|>`, not names such as `<image>`.
    """
    tokens = []
    for match in (_PIPED if piped_only else _TOKEN).finditer(text):
        end = _END.search(text, match.start() + 2, match.start() + MAX_TOKEN_CHARS)
        tokens.append(text[match.start() : end.end()] if end else text[match.start() : match.start() + 20])
    return tokens


def without_tokens(text: str, piped_only: bool = False) -> str:
    """Return the text with a full-width bracket at the beginning of each token."""
    return (_PIPED if piped_only else _TOKEN).sub(lambda match: _WIDE[match[0]], text)
