"""The definite article of a German, French or Spanish column name, where its last noun tells the gender.

For the offline teacher: `Versorgungsspannung` becomes `die Versorgungsspannung`. By endings and a list of nouns
that name measures and properties; where neither knows the noun, nothing is guessed. Reads and writes nothing.
"""

from __future__ import annotations

import re

_DE = {
    "die": (
        "ung heit keit schaft tion ität tur ik aufnahme abgabe höhe breite tiefe länge dicke masse frequenz zahl "
        "klasse dauer zeit fläche farbe nummer art marke größe gebühr kraft menge reichweite last stärke strecke "
        "dichte weite temperatur"
    ),
    "der": "druck strom verbrauch durchmesser abstand preis betrag pegel standort inhalt radius winkel hub name wert "
    "typ ort bereich hersteller stand",
    "das": "gewicht volumen alter jahr maß modell material drehmoment intervall datum format gehäuse",
}
# `Abmessungen`, `Maße`, `Spannungen`: plurals, whose verb would be another one.
_DE_PLURAL = re.compile(r"(?:ungen|heiten|keiten|tionen|maße|teile|daten|werte|zeiten|größen)$")
_FR = {
    "la ": (
        "tion sion xion té ure ance ence ie largeur hauteur longueur profondeur épaisseur couleur puissance vitesse "
        "masse durée fréquence marque taille surface classe portée charge référence consommation matière valeur "
        "force date autonomie teneur zone étape ligne touche vanne pompe série phase alarme erreur panne fonction"
    ),
    "le ": (
        "age ment poids volume débit diamètre prix nombre niveau matériau modèle type courant indice format couple "
        "rayon angle nom numéro fabricant contenu réglage délai lieu code palier "
        "programme canal secteur mode bouton capteur temps jour rendement grammage"
    ),
}
_ES = {
    "la": "ción sión dad tad tud umbre anchura altura longitud profundidad potencia velocidad masa frecuencia marca "
    "medida superficie clase carga corriente capacidad fecha temperatura referencia fuerza autonomía zona etapa línea "
    "tecla válvula bomba serie fase alarma salida entrada dosis cantidad",
    "el": "aje peso volumen caudal diámetro precio número nivel material modelo tipo consumo índice formato par radio "
    "ángulo nombre fabricante contenido plazo lugar código grosor espesor ancho alto largo fondo color valor año "
    "tiempo programa canal sector modo botón sensor paso error rendimiento",
}


def with_article(label: str, code: str) -> str:
    """A name of a property with its article, as it stands inside of a sentence; "" where its gender is not known.

    Args:
        label: as a column or key has it: `Tension d'alimentation`.
    """
    if not re.fullmatch(r"[^\W\d_][\w '’.-]{1,48}", label) or label.isupper():
        return ""
    if code == "de":
        if " " in label or _DE_PLURAL.search(label.lower()):
            return ""  # an adjective would need its ending: `maximaler Druck`, `der maximale Druck`
        return _articled(label, label, _DE)
    head = re.split(r" |['’]", label)[0]
    plain = label[:1].lower() + label[1:] if label[1:2].islower() else label
    if code == "fr":
        found = _articled(plain, head, _FR)
        return re.sub(r"^l[ea] (?=[aeiouéèêâîô]|h(?:eure|uile|umidité|istoire|orloge))", "l'", found)
    return _articled(plain, head, _ES)


_NAMED_BY_WORDS = {
    "de": "farbe marke typ hersteller format klasse form modell",
    "fr": "couleur matériau matière type modèle marque fabricant nom format langue classe référence",
    "es": "material color tipo modelo marca fabricante nombre formato clase referencia forma lugar plazo",
}


def is_property(label: str, code: str) -> bool:
    """Whether `what is the ...` asks for a property that is said in words: `couleur`, not `paiement`."""
    return label.lower().split(" ")[0] in _NAMED_BY_WORDS[code].split()


def interrogative(label: str, code: str) -> str:
    """The word that asks for a property, `quelle` for `Pression`, `welchen` for `Hersteller`; "" where it is unknown.

    German in the accusative, behind which `has` stands: `Welchen Hersteller hat ...?`
    """
    article = with_article(label, code)
    if code == "de" and article:
        return {"die": "welche", "der": "welchen", "das": "welches"}[article[:3]]
    if code != "fr" or not article:
        return ""
    return "quelle" if _articled(label, re.split(r" |['’]", label)[0], _FR).startswith("la ") else "quel"


def of_thing(thing: str) -> str:
    """A French or Spanish name with its article behind `of`: `du programme 4`, `del programa 4`."""
    for article, contracted in (("le ", "du "), ("el ", "del ")):
        if thing.startswith(article):
            return f"{contracted}{thing.removeprefix(article)}"
    return f"de {thing}"


def _articled(label: str, head: str, endings: dict[str, str]) -> str:
    """The label behind the article whose longest ending its head has."""
    low = head.lower()
    found = [(len(end), article) for article, ends in endings.items() for end in ends.split() if low.endswith(end)]
    article = max(found)[1] if found else ""
    return f"{article}{'' if article.endswith(' ') else ' '}{label}" if article else ""
