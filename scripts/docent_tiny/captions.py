"""Write the texts of docent-tiny's pretraining: generic questions about a picture, and plain English.

Reads the docstrings and the language reference that ship with Python (PSF licence); writes no files. Nothing
here names an exhibit of the sample museum or states a fact about one.
"""

import ast
import pydoc_data.topics
import random
import re
import sysconfig
from pathlib import Path

from docent_tiny.shapes import BACKGROUNDS, COLOURS, FAMILIES, FINISHES

Turn = tuple[str, str]

PROPORTIONS = ("taller than it is wide", "wide and flat", "about as tall as it is wide")
SIDES = ("left", "right")

# Names of mathematical forms; a sentence of the English corpus that holds one is dropped.
NAMED_FORMS = re.compile(
    r"hedr(on|a|al)\b|\b(torus|m[oö]bius|klein|trefoil|hyperbol\w+|helicoid|gyroid|menger|cones?|catenoid|"
    r"cubes?|cuboct\w+|stellat\w+|platonic|archimed\w+)\b",
    re.IGNORECASE,
)

MUSEUM_WORDS = """
museum gallery exhibit visitor guide room cabinet model shape form figure solid surface face faces edge
edges vertex vertices corner corners curve line plane angle triangle square pentagon hexagon circle sphere
ring band strip loop knot hole tunnel side sides inside outside boundary symmetry symmetric rotation
reflection mirror axis centre centre radius length width height volume area ratio number count pattern tile
wave spiral twist turn curved flat straight smooth rough regular irregular convex hollow closed open single
double twice half three four five six eight ten twelve twenty thirty sixty hundred first second third
mathematician mathematics geometry algebra topology theorem proof formula equation minimal mean curvature
Greek German French English century ancient modern discovered described studied named invented published
built drawn cast carved turned printed made found known called wood wooden brass bronze copper steel plaster
clay glass marble ivory paper wire string film material metal stone ceramic polyhedron polyhedra dimension
space object picture photograph light shadow polished matt golden silver artist architect nature crystal
molecule virus engineering tower bridge bottle foam star point tip base
""".split()
NOUNS = ("model", "figure", "solid", "surface", "exhibit", "shape", "curve", "pattern", "picture", "object")
VERBS = (
    "shows",
    "belongs to",
    "stands beside",
    "was made for",
    "explains",
    "reminds visitors of",
    "was drawn by",
)
PLACES = ("in the first room", "in a glass cabinet", "near the window", "on the second floor", "in a museum")


def caption_turns(rng: random.Random, labels: list[int]) -> list[Turn]:
    """Return every question about a picture with one worded answer each, in random order.

    Args:
        labels: family, proportion, colour, background, finish and light side, as `render_shapes` wrote them.
    """
    family, proportion = FAMILIES[labels[0]], PROPORTIONS[labels[1]]
    colour, background = list(COLOURS)[labels[2]], list(BACKGROUNDS)[labels[3]]
    finish, side = FINISHES[labels[4]], SIDES[labels[5]]
    faces = "flat faces and straight edges" if family.flat_faced else "a curved surface"
    kind = rng.choice(("What is this?", "What am I looking at?", "What does the picture show?", "Name this object."))
    shows = rng.choice(("This is a", "The picture shows a", "It is a"))
    turns = [
        (kind, f"{shows} {colour} {family.name}."),
        (
            rng.choice(("Describe the object.", "Describe this picture.", "Tell me about this exhibit.")),
            f"This is a {finish} {colour} {family.name} with {faces}. It is {proportion} and stands before a "
            f"{background} background.",
        ),
        (rng.choice(("What colour is it?", "Which colour does it have?")), f"It is {colour}."),
        (rng.choice(("What is behind it?", "What is the background?")), f"The background is {background}."),
        (rng.choice(("Is it tall or flat?", "What are its proportions?")), f"It is {proportion}."),
        ("Does it have corners?", f"It has {faces}."),
        (
            rng.choice(("How is it lit?", "Where does the light come from?")),
            f"Light comes from the {side} and falls on a {finish} surface.",
        ),
    ]
    rng.shuffle(turns)
    return turns


def copy_turn(rng: random.Random, english: list[str]) -> Turn:
    """Return a request to repeat a sentence; it trains the embeddings of words that captions never use."""
    if rng.random() < 0.55:
        text = rng.choice(english)
    else:
        words = rng.choices(MUSEUM_WORDS, k=rng.randint(3, 9))
        text = " ".join(words).capitalize() + "."
    return f"Repeat this: {text}", text


def english_sentences(limit: int, seed: int) -> list[str]:
    """Return plain sentences: from Python's own documentation, and from a small grammar of museum English."""
    rng = random.Random(seed)
    sources = list(pydoc_data.topics.topics.values())
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                sources.append(ast.get_docstring(node) or "")
    distinct = {sentence for source in sources for sentence in _plain_sentences(source)}
    sentences = sorted(distinct)
    rng.shuffle(sentences)
    return sentences[:limit] + [_museum_sentence(rng) for _ in range(limit // 3)]


def _plain_sentences(text: str) -> list[str]:
    flat = re.sub(r"\s+", " ", text.replace("*", "").replace('"', ""))
    candidates = re.split(r"(?<=[.?!]) ", flat)
    shape = re.compile(r"[A-Z][a-z]*( [A-Za-z,'-]+){4,24}[.?!]")
    return [c for c in candidates if shape.fullmatch(c) and len(c) < 160 and not NAMED_FORMS.search(c)]


def _museum_sentence(rng: random.Random) -> str:
    adjective, other = rng.choice(MUSEUM_WORDS), rng.choice(MUSEUM_WORDS)
    subject, target = rng.sample(NOUNS, 2)
    sentence = f"the {adjective} {subject} {rng.choice(VERBS)} the {other} {target}"
    if rng.random() < 0.5:
        sentence += f" {rng.choice(PLACES)}"
    return sentence[0].upper() + sentence[1:] + "."


def tokenizer_corpus(english: list[str], seed: int) -> list[str]:
    """Return the training text of the BPE: captions of random labels, English and the word list."""
    rng = random.Random(seed)
    sizes = (len(FAMILIES), len(PROPORTIONS), len(COLOURS), len(BACKGROUNDS), len(FINISHES), len(SIDES))
    lines = []
    for _ in range(200):
        labels = [rng.randrange(size) for size in sizes]
        lines += [f"User: {question}\nAssistant: {answer}" for question, answer in caption_turns(rng, labels)]
    words = [f" {word} {word.capitalize()}" for word in MUSEUM_WORDS for _ in range(6)]
    return lines + english + words
