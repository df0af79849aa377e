"""`docent convert`: published files come out byte for byte; what cannot be converted is said."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests import chat_files
from tests.published import published

from docent.convert import merge as convert_merge
from docent.convert.instructions import skill_of
from docent.errors import InputError, LauncherError
from docent.launcher.verbs.convert import convert

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 conversations of three pairs, with a byte order mark."""
    return chat_files.write_chat(tmp_path_factory.mktemp("chat") / "museum.jsonl")


@pytest.fixture
def published_chat() -> Path:
    """The published file of the same size."""
    return published("qa/imagenet-training-summary-oai.jsonl")


def docent(*arguments: Path | str) -> Result:
    return CliRunner().invoke(convert, [str(argument) for argument in arguments], catch_exceptions=True)


def good(*arguments: Path | str) -> Result:
    done = docent(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def conversation(*pairs: tuple[str, str], system: str = "You are an expert in valves.") -> dict[str, Any]:
    messages = [{"role": "system", "content": system}] if system else []
    for asked, said in pairs:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return {"messages": messages}


def jsonl(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")
    return path


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8-sig").splitlines()]


def table(path: Path, **cells: str) -> Path:
    row = {
        "item_id": "0",
        "item_name": "cube",
        "train_images": "a.jpg\nb.jpg",
        "validation_images": "c.jpg",
        "test_images": "d.jpg",
        "synthetic_dialogs": "\n".join(f"[Visitor]: Q{n}?\n[Guide]: A{n}." for n in range(4)),
    } | cells
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    return path


@pytest.mark.feature("dialog-json", "dataset-dict")
def test_dialogs_become_tables_to_the_byte(tmp_path: Path) -> None:
    said = "\n\n".join(f'[Visitor]: What is “{n}”?\n[Guide]: It\'s a "{n}",\né.' for n in range(5))
    source = table(tmp_path / "a.csv", test_images="d.jpg\ne.jpg", synthetic_dialogs=said)
    done = good("dialogs", source, tmp_path)
    # Pairs 0 and 1 are tested with, 2 validates, 3 and 4 train; the spaces are those of the published tables.
    for split, numbers, pictures in (("test", (0, 1), "de"), ("validation", (2,), "c"), ("train", (3, 4), "ab")):
        lines = ["data_id,item_name,image_name,file_name,dialog"]
        for data_id, (number, picture) in enumerate(zip(numbers, pictures, strict=True)):
            asked = f'{{""type"": ""text"", ""text"": ""What is “{number}”?""}}'
            told = f'{{""type"": ""text"", ""text"": ""It\'s a \\""{number}\\"", é.""}}'
            turns = f'{{""role"": ""user"", ""content"": [{{""type"": ""image""}}, {asked} ]}}, '
            turns += f'{{""role"": ""assistant"", ""content"": [{told} ]}}'
            lines.append(f'{data_id},cube,{picture}.jpg,{picture}.jpg,"{{""messages"": [{turns} ]}}"')
        assert (tmp_path / split / "metadata.csv").read_text(encoding="utf-8") == "\n".join([*lines, ""])
        assert f"{split} {len(numbers)} rows" in done.output
    assert "5 pictures were not copied" in done.output


@pytest.mark.published
@pytest.mark.feature("dialog-json", "dataset-dict")
def test_the_published_dialogs_become_the_published_tables(tmp_path: Path) -> None:
    done = good("dialogs", published("museum/example_synthetic_data.csv"), tmp_path)
    for split, rows in (("train", 23), ("validation", 4), ("test", 3)):
        made = (tmp_path / split / "metadata.csv").read_bytes()
        assert made == published(f"museum/example_metadata_{split}.csv").read_bytes()
        assert f"{split} {rows} rows" in done.output
    assert "30 pictures were not copied" in done.output


def test_pairs_are_used_up_by_test_then_validation_then_training(tmp_path: Path) -> None:
    done = good("dialogs", table(tmp_path / "a.csv", train_images="a.jpg"), tmp_path / "out")
    asked = {}
    for split in ("train", "validation", "test"):
        with (tmp_path / "out" / split / "metadata.csv").open(encoding="utf-8", newline="") as file:
            asked[split] = [
                (r["file_name"], json.loads(r["dialog"])["messages"][0]["content"][1]["text"])
                for r in csv.DictReader(file)
            ]
    assert asked == {"test": [("d.jpg", "Q0?")], "validation": [("c.jpg", "Q1?")], "train": [("a.jpg", "Q2?")]}
    assert "1 pairs were not used" in done.output


@pytest.mark.feature("chat-jsonl")
def test_pictures_are_copied_and_a_missing_one_fails_the_gate(tmp_path: Path) -> None:
    images = tmp_path / "images"
    (images / "test").mkdir(parents=True)
    for name in ("a.jpg", "c.jpg", "test/d.jpg"):
        (images / name).write_bytes(name.encode())
    done = docent("dialogs", table(tmp_path / "a.csv"), tmp_path / "out", "--images", images)
    assert isinstance(done.exception, LauncherError)
    assert (done.exception.exit_code, "train/b.jpg" in str(done.exception)) == (6, True)
    assert (tmp_path / "out/test/d.jpg").read_bytes() == b"test/d.jpg"
    (images / "b.jpg").write_bytes(b"b")
    good("dialogs", tmp_path / "a.csv", tmp_path / "out", "--images", images)
    assert (tmp_path / "out/train/b.jpg").read_bytes() == b"b"


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"test_images": "../../secret.jpg"}, "not a plain file name"),
        ({"test_images": "a\\b.jpg"}, "not a plain file name"),
        ({"train_images": "a.jpg\nb.jpg\ne.jpg"}, "cube has 4 pairs for 5 pictures"),
        ({"synthetic_dialogs": "[Guide]: A.\n[Visitor]: Q?"}, "the dialogs cannot be parsed"),
    ],
)
def test_a_row_that_cannot_be_converted_is_named(tmp_path: Path, cells: dict[str, str], says: str) -> None:
    done = docent("dialogs", table(tmp_path / "a.csv", **cells), tmp_path / "out")
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)
    assert f"{tmp_path / 'a.csv'}:" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_table_without_its_columns_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("item_name,images\n")
    done = docent("dialogs", tmp_path / "a.csv", tmp_path / "out")
    assert "missing columns: train_images, validation_images, test_images, synthetic_dialogs" in str(done.exception)


@pytest.mark.feature("fine-tuning-jsonl")
def test_a_chat_is_written_again_with_the_same_bytes(tmp_path: Path, chat: Path) -> None:
    writes_the_same_bytes(chat, tmp_path)


@pytest.mark.published
@pytest.mark.feature("fine-tuning-jsonl")
def test_the_published_chat_is_written_again_with_the_same_bytes(tmp_path: Path, published_chat: Path) -> None:
    writes_the_same_bytes(published_chat, tmp_path)


def writes_the_same_bytes(chat: Path, tmp_path: Path) -> None:
    """Convert a chat of 18 conversations with and without its byte order mark."""
    out = tmp_path / "out.jsonl"
    done = good("chat", chat, out)
    assert out.read_bytes() == chat.read_bytes()
    assert "18 conversations, 54 pairs" in done.output
    good("chat", chat, out, "--no-bom")
    assert BOM + out.read_bytes() == chat.read_bytes()
    good("chat", out, tmp_path / "again.jsonl", "--bom")
    assert (tmp_path / "again.jsonl").read_bytes() == chat.read_bytes()


@pytest.mark.feature("fine-tuning-jsonl")
def test_a_seeded_shuffle_is_a_permutation_and_always_the_same(tmp_path: Path, chat: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        good("chat", chat, tmp_path / name, "--shuffle", f"--seed={seed}")
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c != chat.read_bytes()
    assert sorted(a.removeprefix(BOM).splitlines()) == sorted(chat.read_bytes().removeprefix(BOM).splitlines())
    assert a.startswith(BOM)
    assert a.count(BOM) == 1


@pytest.mark.feature("fine-tuning-jsonl")
def test_single_turns_keep_the_system_message_and_every_pair(tmp_path: Path, chat: Path) -> None:
    good("chat", chat, tmp_path / "a", "--turns=single", "--system=Be brief.")
    made = read(tmp_path / "a")
    assert len(made) == 54
    assert {tuple(m["role"] for m in one["messages"]) for one in made} == {("system", "user", "assistant")}
    assert {one["messages"][0]["content"] for one in made} == {"Be brief."}
    asked = [m["content"] for one in read(chat) for m in one["messages"] if m["role"] == "user"]
    assert [one["messages"][1]["content"] for one in made] == asked


def test_rows_of_docent_become_chats_and_their_pictures_are_found_from_the_output(tmp_path: Path) -> None:
    (tmp_path / "unit/images").mkdir(parents=True)
    (tmp_path / "unit/images/p.png").write_bytes(b"x")
    rows = [
        {
            "item_id": item,
            "question": f"Q{n}\u2028?",
            "answer": f'A "{n}" \\ é',
            "files": ["images/p.png"] if n == 1 else [],
        }
        for n, item in enumerate("aab")
    ]
    source = jsonl(tmp_path / "unit/part-0.jsonl", *rows)
    out = tmp_path / "elsewhere" / "chat.jsonl"
    good("chat", source, out, "--turns=multi", "--system", "S")
    first, second = read_lines(out)
    assert [m["role"] for m in first["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant"]
    url = first["messages"][3]["content"][0]["image_url"]["url"]
    assert (out.parent / url).is_file()
    assert first["messages"][2]["content"] == [{"type": "text", "text": 'A "0" \\ é'}]
    assert all(isinstance(m["content"], list) for made in (first, second) for m in made["messages"])
    good("chat", source, out)
    assert len(read_lines(out)) == 3


def read_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.mark.parametrize("line", ["{", "5", '{"messages": []}', '{"messages": [{"role": "user"}]}', "[" * 100_000])
def test_a_bad_line_of_chat_is_named_and_nothing_is_written(tmp_path: Path, line: str) -> None:
    source = jsonl(tmp_path / "a.jsonl", conversation(("Q", "A")))
    with source.open("a") as file:
        file.write(line + "\n")
    done = docent("chat", source, tmp_path / "out.jsonl")
    assert isinstance(done.exception, InputError)
    assert f"{source}:2" in str(done.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl"]


@pytest.mark.feature("instructions")
def test_a_chat_gives_one_instruction_for_every_pair(tmp_path: Path, chat: Path) -> None:
    gives_54_instructions(chat, tmp_path, chat_files.SKILL)


@pytest.mark.published
@pytest.mark.feature("instructions")
def test_the_published_chat_gives_its_54_instructions(tmp_path: Path, published_chat: Path) -> None:
    gives_54_instructions(published_chat, tmp_path, "Distributed training on Cloud")


def gives_54_instructions(chat: Path, tmp_path: Path, skill: str) -> None:
    """Convert a chat of 54 pairs into rows of instructions."""
    out = tmp_path / "seed.jsonl"
    good("instructions", chat, out)
    rows = read_lines(out)
    assert [list(row) for row in rows] == [["idx", "Skill", "Difficulty", "Instruction"]] * 54
    assert [row["idx"] for row in rows] == list(range(1, 55))
    assert {(row["Skill"], row["Difficulty"]) for row in rows} == {(skill, 5)}
    asked = [m["content"] for one in read(chat) for m in one["messages"] if m["role"] == "user"]
    assert [row["Instruction"] for row in rows] == asked
    assert not out.read_bytes().startswith(BOM)


@pytest.mark.feature("instructions")
@pytest.mark.parametrize(
    ("system", "skill"),
    [
        (
            "You are the SME (Subject Matter Expert) in Distributed training on Cloud. Please answer.",
            "Distributed training on Cloud",
        ),
        ("You are an expert in C++, Go & .NET 8.0. Answer briefly.", "C++, Go & .NET 8.0"),
        ("You are an expert in 교통 신호. Please answer.", "교통 신호"),
        ("You are an expert in valves", "valves"),
        ("You are a helpful assistant.", ""),
        ("", ""),
    ],
)
def test_the_skill_is_the_domain_with_its_punctuation(system: str, skill: str) -> None:
    assert skill_of(system) == skill


def test_a_conversation_without_a_skill_gives_no_rows_and_is_counted(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", conversation(("Q", "A"), system=""), conversation(("R", "B")))
    done = good("instructions", source, tmp_path / "out.jsonl")
    assert [(row["idx"], row["Instruction"]) for row in read(tmp_path / "out.jsonl")] == [(1, "R")]
    assert "conversations without a skill label or a question: 1" in done.output


@pytest.mark.feature("merged-chat-files")
def test_a_file_merged_with_itself_loses_exactly_its_repeats(tmp_path: Path, chat: Path) -> None:
    loses_its_repeats(chat, tmp_path)


@pytest.mark.published
@pytest.mark.feature("merged-chat-files")
def test_the_published_chat_merged_with_itself_loses_exactly_its_repeats(tmp_path: Path, published_chat: Path) -> None:
    loses_its_repeats(published_chat, tmp_path)


def loses_its_repeats(chat: Path, tmp_path: Path) -> None:
    """Merge a chat of 18 conversations and 54 pairs with itself."""
    done = good("merge", chat, chat, tmp_path / "out.jsonl")
    assert "54 pairs kept in 18 conversations, 54 exact repeats, 0 near repeats, 0 bad lines" in done.output
    made = read(tmp_path / "out.jsonl")
    assert [one["messages"] for one in made] == [one["messages"] for one in read(chat)]
    assert [one["source"] for one in made] == [f"{chat.name}:{n}" for n in range(1, 19)]


@pytest.mark.feature("merged-chat-files", "many-pdfs")
def test_near_repeats_and_bad_lines_are_counted_and_every_conversation_says_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    one = jsonl(
        tmp_path / "a.jsonl",
        conversation(("How often is the inlet valve of the pump cleaned?", "Clean the inlet valve every 6 months.")),
        conversation(("Who built the bridge over the river?", "Two brothers from the town built it in 1911.")),
    )
    two = jsonl(
        tmp_path / "x/a.jsonl",
        conversation(
            ("How often is the  INLET valve of the pump cleaned?", "Clean the inlet valve every 6 months."),
            ("How often is the inlet valve of that pump cleaned?", "Clean the inlet valve every 6 months!"),
        ),
        conversation(("How often is the inlet valve of a pump cleaned?", "Clean the inlet valve every 6 months!")),
        conversation(("What colour is the lamp?", "Green.")),
    )
    with two.open("ab") as file:
        file.write(b"\xff\xfe\n{\n\n")
    done = good("merge", one, two, tmp_path / "out.jsonl")
    assert "3 pairs kept in 3 conversations, 1 exact repeats, 2 near repeats, 2 bad lines" in done.output
    assert "x/a.jsonl:4: not UTF-8" in done.output
    assert [len(c["messages"]) for c in read(tmp_path / "out.jsonl")] == [3, 3, 3]
    assert [c["source"] for c in read(tmp_path / "out.jsonl")][1:] == [f"{tmp_path.name}/a.jsonl:2", "x/a.jsonl:3"]
    assert docent("merge", one, two, tmp_path / "out.jsonl", "--strict").exit_code == 6
    done = good("merge", one, two, tmp_path / "out.jsonl", "--near=101")
    assert "6 pairs kept in 5 conversations, 0 exact repeats, 0 near repeats" in done.output


@pytest.mark.feature("merged-chat-files")
def test_near_repeats_are_found_among_many_by_their_rare_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert_merge, "ALL_COMPARED", 5)
    monkeypatch.setattr(convert_merge, "MAX_POSTINGS", 3)
    random = Random(1)
    words = [" ".join("".join(random.choices(ascii_lowercase, k=7)) for _ in range(6)) for _ in range(40)]
    plain = [conversation((f"What does {text}?", f"It is {text}.")) for text in words]
    again = [conversation((f"What does the {text}?", f"It is the {text}.")) for text in words]
    done = good("merge", jsonl(tmp_path / "a", *plain), jsonl(tmp_path / "b", *again), tmp_path / "out")
    assert "40 pairs kept in 40 conversations, 0 exact repeats, 40 near repeats" in done.output


@pytest.mark.feature("merged-chat-files")
def test_facts_that_differ_in_a_number_are_no_repeats(tmp_path: Path) -> None:
    said = [conversation((f"What does pump {n} do?", f"Pump {n} lifts {n}.5 tonnes of water.")) for n in range(30)]
    done = good("merge", jsonl(tmp_path / "a", *said), tmp_path / "out")
    assert "30 pairs kept in 30 conversations, 0 exact repeats, 0 near repeats" in done.output


def test_merge_wants_something_to_merge(tmp_path: Path) -> None:
    assert docent("merge", tmp_path / "out").exit_code == 2


@pytest.mark.feature("merged-chat-files")
def test_facts_about_different_names_are_no_repeats(tmp_path: Path) -> None:
    asked = "What is the phone number of {}?", "The phone number of {} stands on the last page of the book."
    names = ("Ada Kern", "Ada Korn", "pump A", "pump B")
    said = [conversation((asked[0].format(name), asked[1].format(name))) for name in names]
    done = good("merge", jsonl(tmp_path / "a", *said), tmp_path / "out")
    assert "4 pairs kept in 4 conversations, 0 exact repeats, 0 near repeats" in done.output


@pytest.mark.feature("merged-chat-files")
@pytest.mark.parametrize(
    ("asked", "first", "second"),
    [
        ("Is the inlet valve of the pump cleaned weekly?", "True", "False"),
        ("Does the pump stop in a storm at night?", "Yes, the pump does.", "No, the pump does."),
        ("Is the valve of the pump open or closed at night?", "The valve is open.", "The valve is closed."),
        ("Where is the lever of the pump?", "The lever is on the left of it.", "The lever is on the right of it."),
        ("What does the red lamp of the pump say?", "The pump is on.", "The pump is off."),
        ("Which way does the belt of the pump run?", "It runs from left to right.", "It runs from right to left."),
        ("May the pump be moved while it is warm?", "It may be moved.", "It may not be moved."),
        ("Can the pump be moved while it is warm?", "It can be moved then.", "It can't be moved then."),
        ("Are there 5 or 6 bolts in the lid of the pump?", "There are 5 bolts.", "There are 6 bolts."),
    ],
)
def test_answers_that_contradict_are_no_repeats(tmp_path: Path, asked: str, first: str, second: str) -> None:
    source = jsonl(tmp_path / "a", conversation((asked, first)), conversation((asked, second)))
    assert "2 pairs kept in 2 conversations, 0 exact repeats, 0 near" in good("merge", source, tmp_path / "out").output


@pytest.mark.feature("merged-chat-files")
def test_pictures_are_part_of_a_pair_and_are_found_from_the_output(tmp_path: Path) -> None:
    for name in ("rows/images/p.png", "rows/images/q.png", "chat/p.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    pair = {"question": "What does the photo show?", "answer": "It shows a pump."}
    files = (["images/p.png"], ["images/q.png"], ["images/../images/p.png"])
    rows = jsonl(tmp_path / "rows/part-0.jsonl", *({**pair, "files": names} for names in files))
    urls = ("p.png", "../rows/images/q.png", "https://example.org/p.png", "data:image/png;base64,AA==")
    asked = [
        [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}, {"type": "text", "text": pair["question"]}]
        for url in urls
    ]
    chat = jsonl(tmp_path / "chat/a.jsonl", *(conversation((said, pair["answer"])) for said in asked))  # type: ignore[arg-type]
    done = good("merge", rows, chat, tmp_path / "made/here/out.jsonl")
    assert "5 pairs kept in 5 conversations, 2 exact repeats, 0 near repeats" in done.output
    parts = [c["messages"][-2]["content"][0]["image_url"] for c in read(tmp_path / "made/here/out.jsonl")]
    shown = [part["url"] for part in parts]
    assert [(tmp_path / "made/here" / url).read_bytes().decode() for url in shown[:3]] == [
        "rows/images/p.png",
        "rows/images/q.png",
        "chat/p.png",
    ]
    assert shown[3:] == list(urls[2:])
    assert parts[2]["detail"] == "low"


@pytest.mark.feature("merged-chat-files")
def test_pictures_named_as_for_transformers_move_too(tmp_path: Path) -> None:
    said = []
    for name in ("p.png", "q.png"):
        one = conversation(("", "It shows a pump."), system="")
        one["messages"][0]["content"] = [{"type": "image", "image": name}, {"type": "text", "text": "What is it?"}]
        said.append(one)
    (tmp_path / "chat").mkdir()
    good("merge", jsonl(tmp_path / "chat/a.jsonl", *said), tmp_path / "out")
    shown = [c["messages"][0]["content"][0] for c in read(tmp_path / "out")]
    assert shown == [{"type": "image", "image": f"chat/{name}"} for name in ("p.png", "q.png")]


@pytest.mark.feature("merged-chat-files")
def test_a_conversation_stays_whole_unless_all_of_it_was_there(tmp_path: Path) -> None:
    first, second = ("Who built the bridge?", "Two brothers."), ("What colour is the lamp?", "Green.")
    last = {"role": "user", "content": "And then?"}
    longer = conversation(first, second)
    longer["messages"].append(last)
    unanswered = {"messages": [last]}
    source = jsonl(tmp_path / "a", conversation(first), longer, conversation(second, first), unanswered)
    done = good("merge", source, tmp_path / "out")
    assert "3 pairs kept in 2 conversations, 2 exact repeats, 0 near repeats, 1 bad lines" in done.output
    assert "a:4: a question without an answer" in done.output
    assert [c["messages"] for c in read(tmp_path / "out")] == [conversation(first)["messages"], longer["messages"]]


def test_merge_refuses_what_is_no_conversation_and_names_few_bad_lines(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("a,b\n" * 300)
    done = docent("merge", table, tmp_path / "out")
    assert isinstance(done.exception, LauncherError)
    assert (done.exception.exit_code, (tmp_path / "out").exists()) == (6, False)
    assert "none of the 300 lines is a usable conversation" in str(done.exception)
    mixed = jsonl(tmp_path / "b.jsonl", conversation(("Q", "A")))
    done = good("merge", mixed, table, tmp_path / "out")
    assert done.output.count("bad line: ") == 5
    assert "and 295 more bad lines" in done.output


def test_instructions_without_a_row_are_an_error(tmp_path: Path) -> None:
    done = docent("instructions", jsonl(tmp_path / "a.jsonl", conversation(("Q", "A"), system="")), tmp_path / "out")
    assert isinstance(done.exception, LauncherError)
    assert (done.exception.exit_code, (tmp_path / "out").exists()) == (6, False)
    assert "You are an expert in valves" in str(done.exception)


def test_a_json_list_of_conversations_becomes_chat(tmp_path: Path) -> None:
    rows = [conversation(("Q", "A"), ("R", "B")), conversation(("S", "C"))]
    source = tmp_path / "conversations-train.json"
    source.write_text(json.dumps(rows, indent=1))
    done = good("chat", source, tmp_path / "out.jsonl")
    assert "2 conversations, 3 pairs" in done.output
    assert read(tmp_path / "out.jsonl") == rows
    source.write_text(source.read_text()[:-5])
    assert docent("chat", source, tmp_path / "broken.jsonl").exit_code != 0
    assert not (tmp_path / "broken.jsonl").exists()
