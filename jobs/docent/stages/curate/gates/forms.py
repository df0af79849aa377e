"""Find what teachers leave in a reply by mistake: refusals, labels, JSON, fences, tags."""

from __future__ import annotations

import re

from docent.text.sentences import plain

REFUSAL_CHARS = 240
"""A refusal is at the beginning of an answer; the same words later in it have another meaning."""

# In the form that `plain` returns: lower case, no accents. `_SOURCE` matches the names for the source material.
_SOURCE = (
    r"(?:provided |given |available )?(?:text|passage|context|document|section|description|source|material|excerpt|"
    r"information|image|picture|figure)s?(?: provided| given| above)?"
)
_DENIES = r"(?:does not|doesn'?t|do not|don'?t|did not|cannot|can'?t)"
_SAYS = r"(?:say|state|mention|provide|contain|specify|include|give|describe|indicate|explain|discuss|address|reveal)"
REFUSALS: dict[str, tuple[str, ...]] = {
    "en": (
        r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b",
        r"\bi(?:'m| am) (?:sorry|afraid|unable|not able|not sure|an ai)\b",
        r"\bi (?:cannot|can'?t|can not|could not|couldn'?t|do not|don'?t|won'?t) "
        r"(?:answer|assist|help|provide|determine|tell|know|have|see|find|generate|say|comply|fulfill|identify)\b",
        r"\b(?:sorry|unfortunately|apologies)\b[^.]{0,60}\b(?:cannot|can'?t|unable|not (?:able|available|provided))",
        rf"\b{_SOURCE} {_DENIES} (?:explicitly |directly |specifically |clearly |actually )?{_SAYS}\b",
        r"^(?:there is |there's )?(?:no|not enough|insufficient) information\b(?! (?:is|was) lost)",
        r"\b(?:not|isn'?t|is not|are not) (?:explicitly |directly |specifically )?(?:mentioned|stated|specified|"
        rf"provided|given|available|described) in (?:the|this) {_SOURCE}\b",
        r"^(?:do not know|unknown|not known|not available|n/?a|none|cannot be determined|not specified)\W*$",
        r"\bcannot be (?:answered|determined) (?:from|based on|with)\b",
    ),
    "de": (
        r"\bals (?:ki|kunstliche intelligenz|sprachmodell)\b",
        r"\b(?:ich kann|kann ich)\b[^.]{0,60}\bnicht (?:beantworten|sagen|helfen|beurteilen|erkennen)\b",
        r"\bes tut mir leid\b",
        r"\b(?:der|dieser) (?:text|abschnitt|absatz) (?:sagt|nennt|enthalt|erwahnt|gibt)\b[^.]{0,60}\b(?:nicht|kein)",
        r"^keine (?:informationen|angaben?)\b",
    ),
    "fr": (
        r"\ben tant qu(?:'|e )(?:ia|intelligence artificielle|modele)\b",
        r"\bje (?:ne peux pas|ne suis pas en mesure|suis desolee?)\b",
        r"\ble (?:texte|document|passage) ne (?:dit|mentionne|precise|contient|fournit|donne)\b",
        r"^(?:aucune|pas d'?) ?information",
    ),
    "es": (
        r"\bcomo (?:ia|inteligencia artificial|modelo de lenguaje)\b",
        r"\b(?:no puedo|lo siento)\b",
        r"\bel (?:texto|documento|pasaje) no (?:dice|menciona|especifica|contiene|proporciona|indica)\b",
        r"^no (?:hay|se proporciona) informacion",
    ),
    "it": (
        r"\bcome (?:ia|intelligenza artificiale|modello linguistico)\b",
        r"\bil testo non (?:dice|menziona|specifica)\b",
    ),
    "pt": (
        r"\bcomo (?:ia|inteligencia artificial|modelo de linguagem)\b",
        r"\bnao posso (?:responder|ajudar)\b",
        r"\bo texto nao (?:diz|menciona|especifica|informa)\b",
    ),
    "nl": (r"\bals (?:ai|taalmodel)\b", r"\bde tekst (?:zegt|vermeldt|noemt)\b[^.]{0,40}\bniet\b"),
}
# Searched in the unchanged text, because accents and letters carry meaning in these languages.
OTHER_REFUSALS = (
    r"(?:텍스트|본문|문서|문맥|자료|내용|설명)(?:에는?|에서는?|은|는)?[^.]{0,30}"
    r"(?:언급되어 있지|언급하지|나와 있지|포함되어 있지|제공되지|명시되어 있지|찾을 수 없)",
    r"(?:답변|대답)할 수 없|알 수 없습니다|죄송(?:합니다|하지만)|정보가 (?:없|부족)|인공지능 (?:언어 )?모델",
    r"(?:本文|テキスト|文章|文書|資料|説明)(?:に|で)?は?[^。]{0,30}"
    r"(?:記載されてい|述べられてい|含まれてい|言及されてい)(?:ません|ない)",
    r"(?:お答え|回答)(?:できません|できない|することはできません)|申し訳(?:ありません|ございません)",
    r"情報(?:が|は)(?:ありません|不足)",
    r"(?:文中|文本|原文|文章|资料|文档|材料|本文|段落)[^。]{0,20}(?:没有|未|并未|不)(?:提及|提到|说明|包含|提供|给出|指出)",
    r"(?:无法|不能)(?:回答|确定|提供|得知)|作为(?:一个|一名)?(?:AI|人工智能|语言模型)|没有(?:相关|足够的?)?信息",
    r"^(?:对不起|抱歉)|(?:в тексте|текст)[^.]{0,30}\bне (?:указан|упомина|говорит|сказано|содерж)",
    r"я не могу ответить|как (?:ии|языковая модель)",
)
_REFUSED = tuple(re.compile(pattern) for patterns in REFUSALS.values() for pattern in patterns)
_REFUSED_OTHER = tuple(re.compile(pattern, re.IGNORECASE) for pattern in OTHER_REFUSALS)

# Each refusal above that is searched in folded words contains one of these; most answers have none, which saves time.
_HINT = re.compile(
    r"not|n't|\bno\b|\bnone\b|n/a|unknown|sorry|afraid|unable|model|intelli|apolog|insufficient|unfortunately|"
    r"\b(?:ai|ki|ia)\b|nicht|kein|leid|\bne\b|aucune|\bpas\b|puedo|siento|nao|\bnon\b|niet|taal"
)

_LABEL = re.compile(
    r"\[/?(?:visitor|guide|q|a|question|answer|user|assistant|inst)\]"
    r"|^\W{0,3}(?:question|answer|visitor|guide|user|assistant|q|a)\W{0,3}\d{0,3}\s?[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_JSON = re.compile(
    r"[\"'](?:question|answer|question_type|question_images|reasoning(?:_steps)?|difficulty)[\"']\s*:"
    r"|^\s*[\[{]\s*[\"']|^\s*\}\s*,?\s*$",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"</?(?:description|exhibit|think|section|document|source|context|answer|question)>|<\|[a-z_]+\|>|\[/?INST\]",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[^\S\n]*(?:```|~~~)", re.MULTILINE)


def _is_fenced(text: str) -> bool:
    """Return whether the complete text is enclosed in two lines of the same fence."""
    lines = text.strip().splitlines()
    marks = {line.strip()[:3] for line in (lines[0], lines[-1])} if len(lines) > 2 else set()
    return len(marks) == 1 and marks < {"```", "~~~"} and lines[-1].strip() in marks


def refusal_in(answer: str) -> str | None:
    """Return the words with which an answer refuses, or None if it does not."""
    begin = answer[:REFUSAL_CHARS]
    folded = plain(begin).replace("’", "'")
    patterns = [(pattern, folded) for pattern in _REFUSED] if _HINT.search(folded) else []
    patterns += [] if begin.isascii() else [(pattern, begin) for pattern in _REFUSED_OTHER]
    found = (pattern.search(text) for pattern, text in patterns)
    return next((match.group() for match in found if match), None)


def leftover_in(text: str, source: str) -> str | None:
    """Return text that does not belong in a question or an answer, with its kind, unless the source has it too."""
    for name, pattern in (("a label", _LABEL), ("JSON", _JSON), ("a tag", _TAG)):
        found = pattern.search(text)
        if found and found.group().strip() not in source:
            return f"{name}: {found.group().strip()}"
    if _is_fenced(text) and "```" not in source and "~~~" not in source:
        return "a fence around all of it"
    if len(_FENCE.findall(text)) % 2:
        return "a fence that is open"
    return None
