"""Which questions a sentence gives by its form, yet nobody would ask, outside of English.

What a quantity is, what any one thing of its kind does, conditions that do not say what happens to what, and faults,
whose remedies stand in a table. For the offline teacher. Reads and writes nothing.
"""

from __future__ import annotations

import re

_INDEFINITE = {"de": re.compile("[Ee]ine? "), "fr": re.compile("[Uu]ne? "), "es": re.compile("[Uu]na? ")}
_ASKED_OF_ANY = ("define", "parts", "quantity", "time", "often", "do")
"""What is asked of any one thing: `Was ist ein Takt?`, but not `Was erzeugt ein Ventilator?`."""
_HEADS = {
    "de": re.compile(r"\A(?:(?:[Dd]er|[Dd]ie|[Dd]as|[Ee]ine?) )?(?:[a-zäöüß-]+ ){0,3}(?P<noun>[A-ZÄÖÜ][\w-]*)"),
    "fr": re.compile(r"\A(?:(?:[Ll]e|[Ll]a|[Ll]es|[Uu]ne?) |[Ll]['’])(?P<noun>[^\W\d_]+)"),
    "es": re.compile(r"\A(?:[Ee]l|[Ll]a|[Ll]os|[Ll]as|[Uu]na?) (?P<noun>[^\W\d_]+)"),
}
"""The noun that a subject is about."""
_QUANTITIES = {
    "de": "temperatur druck länge breite höhe tiefe gewicht masse leistung geschwindigkeit dauer zeit menge zahl größe "
    "spannung strom volumen kapazität feuchte feuchtigkeit dichte abstand durchmesser preis pegel wert verbrauch",
    "fr": "température pression longueur largeur hauteur profondeur poids masse puissance vitesse durée temps quantité "
    "nombre taille tension volume capacité humidité densité distance diamètre prix niveau débit fréquence valeur "
    "consommation",
    "es": "temperatura presión longitud anchura ancho altura profundidad peso masa potencia velocidad duración tiempo "
    "cantidad número tamaño tensión volumen capacidad humedad densidad distancia diámetro precio nivel caudal "
    "frecuencia valor consumo",
    "ko": "온도 압력 길이 너비 높이 깊이 무게 질량 출력 전력 속도 시간 크기 전압 전류 부피 용량 습도 밀도 거리 지름 "
    "가격 수위 값 횟수 개수 회전수 주파수",
    "ja": "温度 圧力 長さ 幅 高さ 深さ 重さ 質量 出力 電力 速度 時間 大きさ 電圧 電流 容量 "
    "湿度 密度 距離 直径 価格 水位 値 回数 個数 回転数 周波数",
    "zh": "温度 压力 长度 宽度 高度 深度 重量 质量 功率 速度 转速 时间 大小 电压 电流 容量 "
    "湿度 密度 距离 直径 价格 水位 数量 频率",
}
_DEFINES = re.compile("말합|의미합|とは|のこと|是指|指的是")
"""Words of sentences that do define a quantity."""
_FAULTS = {
    "de": re.compile("nicht (?:mehr )?(?:startet|anspringt|anläuft|läuft|funktioniert|arbeitet|angeht|einschaltet)"),
    "fr": re.compile("ne (?:démarre|fonctionne|marche|tourne|s['’]allume) (?:pas|plus)"),
    "es": re.compile("no (?:arranca|funciona|gira|marcha|se enciende|enciende)"),
    "ko": re.compile("(?:작동하|작동되|동작하|걸리|켜지|움직이|시작되)지 않"),
    "ja": re.compile("(?:動か|始動し|起動し|作動し|動作し|点灯し)な"),
    "zh": re.compile("(?:无法|不能|不)(?:正常)?(?:启动|开机|工作|运转|运行)"),
}
"""Faults of the whole thing, which have more remedies than one sentence tells."""
_JA_TIME = re.compile("(?:前|後|あと)(?:に|は|には)$")
_JA_END = re.compile("(?:(?:場合|とき|時|際)(?:には|は)?|には)$")
_JA_ARGUMENT = re.compile("を|が(?![らっういえり])|(?<=[㐀-鿿々ァ-ヿ0-9A-Za-z）」])[はも]")
_JA_EVENT = re.compile("停電|断水|故障|地震|火災|落雷|感電|漏電|発火|異常|緊急|非常|初めて|使わな|使用しな")
"""Events that need no subject, and that the thing itself is not used."""
_JA_VAGUE = re.compile(
    "(?:時間|期間|間隔|量|数|回数|温度|速度|圧力|長さ|大きさ|高さ|角度|位置|向き|方向|設定|値|色)[をがはも]"
)
"""Objects that do not say of what they are, at the beginning of a condition."""
_KO_OPEN = re.compile("[가-힣]+게 하면")


def is_asked(kind: str, sentence: str, slots: dict[str, str], code: str) -> bool:
    """Whether people would ask a question of a form.

    Args:
        kind: of the form, as offline_patterns.yaml lists them.
        slots: what the form takes from the sentence: `s` its subject, `c` its condition.
    """
    subject, condition = slots.get("s", ""), slots.get("c", "")
    if code in _INDEFINITE and kind not in _ASKED_OF_ANY and _INDEFINITE[code].match(subject):
        return False
    if kind == "define" and not _DEFINES.search(sentence) and _is_quantity(subject, code):
        return False
    if kind == "do" and _FAULTS[code].search(condition):
        return False
    if code == "ja" and condition:
        return _is_complete_ja(condition)
    return not (code == "ko" and _KO_OPEN.fullmatch(condition))


def _is_quantity(subject: str, code: str) -> bool:
    if code in _HEADS:
        found = _HEADS[code].match(subject)
        noun = found["noun"].lower() if found else ""
        names = _QUANTITIES[code].split()
        return noun.endswith(tuple(names)) if code == "de" else noun in names
    return subject.strip().endswith(tuple(_QUANTITIES[code].split()))


def _is_complete_ja(condition: str) -> bool:
    """Whether a Japanese condition says what happens to what: `氷が溶けると`, not `短くすると`."""
    if _JA_TIME.search(condition):
        return True
    bare = _JA_END.sub("", condition)
    if _JA_VAGUE.match(bare):
        return False
    return _JA_ARGUMENT.search(bare) is not None or _JA_EVENT.search(bare) is not None
