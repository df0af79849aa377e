"""What a sentence is about: its terms, those first that tell it from the other sentences.

For the offline teacher. Every term stands in the sentence as it is. No word class is known, only words that no term
has, the case of letters, and the particles and articles of a language. Reads and writes nothing.
"""

from __future__ import annotations

import re

UNIT_WORDS = frozenset(
    "% ° °c °f mm cm m km g kg t ms s h min gb mb kb tb hz khz mhz ghz v kv a ma w kw mw l ml pa kpa db px dpi ft "
    "in lb mph metres meters metre meter seconds second minutes minute hours hour days day weeks week months "
    "month years year kilograms kilogram grams tonnes tons litres liters degrees percent volts watts inches feet "
    "miles kilometres centimetres millimetres stunden sekunden minuten tage jahre meter prozent heures minutes "
    "secondes jours ans mètres horas segundos minutos días años metros 평 년 월 일 시간 분 초 개 명".split()
)
KOREAN_PARTICLE = re.compile(
    r"(?<=[가-힣]{2})(?:에서는|에서|에게|으로|부터|까지|보다|처럼|이나|과의|와의|에는|은|는|이|가|을|를|의|에|로|와|과|도|만)$"
)
# A whole run, of which two neighbours are no Latin letters: looked at once, from its beginning.
