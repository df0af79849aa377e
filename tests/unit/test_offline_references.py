"""Which sentences of a text cannot do without which others, and the visitors' answers that follow from it."""

from __future__ import annotations

import pytest

from docent.llm.chat import Material
from docent.teacher.guide import questions_of
from docent.teacher.source.references import leans, references_of
from docent.teacher.visitor import write_pairs
from docent.text.languages import languages
from docent.text.sentences import split_sentences


@pytest.mark.parametrize(
    ("code", "sentence", "expected"),
    [
        ("en", "Each time it is lifted, the string goes slack.", True),
        ("en", "In the middle of the floor it is only damp.", True),
        ("en", "If the lid opens, it must be closed.", False),
        ("en", "Carved oars lose their varnish.", False),
        ("en", "A plain one, on the other hand, costs less.", True),
        ("de", "Das machte den Deckel überflüssig.", True),
        ("de", "Das Gewicht beträgt drei Kilogramm.", False),
        ("de", "Der Deckel ist deshalb rund.", True),
        ("fr", "Le couvercle est donc rond.", True),
        ("fr", "Le couvercle est rond.", False),
        ("es", "Los pescadores los dejaron en la playa.", True),
        ("es", "Los pescadores dejaron redes en la playa.", False),
        ("ja", "そのため、ふたは丸い形です。", True),
        ("ja", "ふたは丸い形です。", False),
        ("ko", "그래서 뚜껑이 둥급니다.", True),
        ("ko", "뚜껑이 둥급니다.", False),
        ("zh", "因此盖子是圆的。", True),
        ("zh", "盖子是圆的。", False),
    ],
)
def test_sentences_that_point_to_the_one_before_are_told_from_others(code: str, sentence: str, expected: bool) -> None:
    assert leans(sentence, code) is expected


def test_a_thing_with_an_article_needs_the_sentence_that_names_it_first() -> None:
    sentences = [
        "The lantern hung in a coal mine.",
        "A cylinder of wire mesh surrounds the flame.",
        "The frame shines.",
        "The mesh cools the burning gas.",
    ]
    found = references_of(sentences, "en", "lantern")
    assert [sorted(needed) for needed in found.needs] == [[], [], [1], [1]], "the frame is part of what was told before"
    assert found.closed([3]) == (1, 3)


def test_a_pronoun_for_the_exhibit_is_clear_behind_its_name_and_not_behind_another_thing() -> None:
    sentences = [
        "The lantern hung in a coal mine.",
        "It burns oil.",
        "Miners in Wales bought candles before.",
        "They were cheap.",
    ]
    found = references_of(sentences, "en", "lantern")
    assert found.of_exhibit == {1} and found.needs[1] == frozenset() and found.needs[3] == {2}


@pytest.mark.parametrize(
    ("code", "name", "sentences", "needs"),
    [
        (
            "en",
            "lantern",
            ["The lantern hung in a mine.", "It burns candles.", "These were made in winter."],
            [[], [], [1]],
        ),
        ("en", "oars", ["The oars are grey.", "They are long.", "It was an old boat."], [[], [], [1]]),
        ("de", "Laterne", ["Die Laterne hing im Flur.", "Sie brennt Kerzen.", "Er wurde geputzt."], [[], [], [1]]),
        ("fr", "lanterne", ["La lanterne est vieille.", "Elle brûle.", "Ils furent coulés ici."], [[], [], [1]]),
        (
            "en",
            "lamp",
            ["The lamp is old.", "Mills ran by night.", "The people who built mills liked it."],
            [[], [], []],
        ),
        ("de", "Lampe", ["Die Lampe ist alt.", "Mühlen liefen.", "Der Rand von Schalen ist dünn."], [[], [], []]),
        ("fr", "lampe", ["La lampe est vieille.", "Elle a deux mèches.", "Paul nettoie les mèches."], [[], [], [1]]),
        ("en", "lamp", ["The lamp is old.", "A cabinet held it.", "He saw the top of the cabinet."], [[], [], [1]]),
    ],
)
def test_pronouns_and_articles_are_read_by_number_gender_and_what_follows(
    code: str, name: str, sentences: list[str], needs: list[list[int]]
) -> None:
    assert [sorted(needed) for needed in references_of(sentences, code, name).needs] == needs


TEXT = (
    "The oar comes from a lifeboat of Whitby. Ash is light and tough. A leather collar protects the shaft. "
    "The collar was greased every week. Rowers used oars like this one for sixty years."
)


def test_an_answer_quotes_no_sentence_without_those_that_it_needs() -> None:
    sentences = split_sentences(TEXT)
    for temperature in (0.4, 0.7, 0.9):
        material = Material("oar", TEXT, (0.4, 0.7, 0.9), temperature, 5, 300, "English", 3, "oar")
        for question, answer in write_pairs(material):
            told = [sentence for sentence in sentences if sentence in answer]
            assert sentences[3] not in told or sentences[2] in told
            assert question not in questions_of("en")["what"] or told == sentences[: len(told)]
            assert question not in questions_of("en")["use"] or sentences[4] in told
            assert question not in (*questions_of("en")["numbers"], *questions_of("en")["found"])


def test_a_short_text_gives_fewer_pairs_instead_of_questions_that_it_does_not_answer() -> None:
    asked = Material("oar", "The oar is grey.", (0.4,), 0.4, 20, 300, "English", 3, "oar")
    made = write_pairs(asked)
    fitting = {question for topic in ("what", "about") for question in questions_of("en")[topic]}
    assert len(made) == len(set(made)) and {question for question, _ in made} == fitting


def test_all_about_an_exhibit_is_only_asked_where_its_whole_text_fits_into_an_answer() -> None:
    text = f"{TEXT} " + " ".join(f"In the {number}th year a rower bent the blade." for number in range(2, 20))
    for told, asked in ((TEXT, True), (text, False)):
        made = write_pairs(Material("oar", told, (0.4,), 0.4, 20, 300, "English", 3, "oar"))
        answers = [answer for question, answer in made if question in questions_of("en")["about"]]
        assert bool(answers) is asked and all(sentence in a for a in answers for sentence in split_sentences(told))


def test_an_answer_ends_no_quotation_half_way() -> None:
    text = (
        "L'outil vient d'une ferme de la vallée et porte une marque au fer chaud sur le manche de frêne. "
        "On y lit : « Je coupe et je taille depuis le printemps de la première année du siècle dernier. "
        "Qui me prend me rend au clou où il m'a trouvé, sans rouille et sans ébréchure. » "
        "Le propriétaire le gardait au-dessus de la cheminée avec les autres outils de la maison et du jardin, et "
        "personne ne s'en servait sans le lui demander d'abord, pas même ses fils quand ils furent grands et mariés. "
        "La lame fut forgée à Thiers."
    )
    made = write_pairs(Material("serpe", text, (0.4,), 0.4, 20, 300, "French", 3, "serpe"))
    assert made and all(answer.count("«") == answer.count("»") for _, answer in made)


def test_the_thing_on_display_is_told_from_others_of_its_kind() -> None:
    sentences = [
        "Oars of ash were in use before that.",
        "Rowers of the town bought many.",
        "This one comes from a lifeboat.",
        "The oar weighs six kilograms.",
        "Later oars were lighter.",
    ]
    found = references_of(sentences, "en", "oar")
    assert found.shown == {2, 3}


@pytest.mark.parametrize(
    ("code", "name", "sentences"),
    [
        ("en", "coracle", ["Boats of hide were in use before the Romans came.", "Ours was built of willow in 1904."]),
        ("de", "Flasche", ["In Franken wird Wein in bauchige Formen gefüllt.", "Aus dieser Zeit stammt unser Stück."]),
        ("fr", "boule", ["On jouait en Provence avec du bois.", "Notre exemplaire porte des clous de cuivre."]),
        ("es", "mate", ["Los guaraníes bebían la infusión de las hojas.", "Este es una calabaza seca con tres patas."]),
        ("ko", "떡살", ["예로부터 떡에는 무늬를 찍었다.", "이 떡살은 소나무로 만들었다."]),
        ("ja", "根付", ["着物にはポケットがない。", "本品は黄楊の木を彫ったものである。"]),
        ("zh", "如意", ["有人认为它起源于搔痒的爪杖。", "我们这一件以紫檀为柄。"]),
    ],
)
def test_a_general_question_is_answered_as_far_as_the_thing_on_display(
    code: str, name: str, sentences: list[str]
) -> None:
    text = ("" if code in ("ja", "zh") else " ").join([*sentences, *sentences[:1]])
    made = write_pairs(Material(name, text, (0.4,), 0.4, 1, 300, languages()[code].name, 3, name))
    assert [question for question, _ in made] == questions_of(code)["what"][:1]
    assert sentences[0] in made[0][1] and sentences[1] in made[0][1]


def test_what_else_there_is_to_know_does_not_begin_with_what_it_is() -> None:
    more = (
        "The oar was mended twice by a carpenter of the town, who put a band of brass around its blade in the spring."
    )
    text = f"{TEXT} {more}"
    sentences = split_sentences(text)
    materials = [Material("oar", text, (0.4, 0.9), t, 5, 300, "English", 3) for t in (0.4, 0.9)]
    made = [pair for material in materials for pair in write_pairs(material)]
    more = [answer for question, answer in made if question in questions_of("en")["more"]]
    assert more and not any(sentences[0] in answer for answer in more)


def test_single_topics_are_only_asked_about_where_every_other_sentence_names_the_exhibit() -> None:
    named = "The bell weighs 90 kilograms. The bell was cast in 1823 by a founder of Loughborough for the chapel. "
    rest = (
        "Ringers wore gloves. Ropes of hemp cut their hands. Boys of the parish learned it at ten. Peals took hours. "
    )
    for text, is_asked in ((named, True), (named + rest, False)):
        made = write_pairs(Material("bell", text, (0.4,), 0.4, 20, 300, "English", 3, "bell"))
        general = {*questions_of("en")["what"], *questions_of("en")["about"]}
        assert any(question not in general for question, _ in made) is is_asked
