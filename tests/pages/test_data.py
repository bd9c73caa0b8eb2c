"""The Data page: choosing, waiting, downloading without a network, uploading with a mapping, hostile names."""

from pathlib import Path
from typing import Any

import pytest
from apptest import assert_healthy, open_page, plain, words

from farzi_core.data import errands, library

PAGE = "data.py"
UPLOAD = "Upload a file"
TITLES = ("![x](http://evil.example/x.png)", "<img src=x onerror=alert(1)>", "=HYPERLINK(1)", "**bold** :red[r] $x$")
CLICKS = "who,what,when\n" + "".join(
    f"u{user},i{(user + step) % 4},{1_700_000_000 + 60 * step}\n" for user in range(20) for step in range(4)
)
NAMES = "what,label\n" + "".join(f'i{number},"{title}"\n' for number, title in enumerate(TITLES))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errands are done by this process before the page goes on, instead of by another."""

    def start(errand: errands.Errand) -> None:
        errand.folder.mkdir(parents=True, exist_ok=True)
        errands.main(errand.kind, errand.source)

    monkeypatch.setattr(errands, "start", start)


def upload(at: Any, content: str = CLICKS, name: str = "clicks.csv", which: int = 0) -> None:
    at.file_uploader[which].upload(name, content.encode(), "text/csv").run()


def choose(at: Any, role: str, column: str) -> None:
    next(box for box in at.selectbox if box.label == role).select(column).run()


def test_a_fresh_installation_offers_built_in_data_and_the_catalogue() -> None:
    at = open_page(PAGE, data="ml-100k")
    assert_healthy(at)
    assert {"Python calls · built in", "MovieLens-100K · to download"} <= set(at.selectbox[0].options)


def test_while_the_events_are_read_it_waits_without_asking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[errands.Errand] = []
    monkeypatch.setattr(errands, "start", started.append)
    monkeypatch.setattr(
        errands, "look", lambda errand: errands.Look(at_work=errand in started, done=1_000_000, total=4_000_000)
    )
    at = open_page(PAGE, data="planted").run()
    assert_healthy(at)
    assert started == [errands.Errand("portrait", "planted")]
    (bar,) = at.get("progress")
    assert (bar.proto.value, bar.proto.text) == (25, "Reading the events: 1 MB of 4 MB")


def test_an_errand_that_dies_is_said_and_not_started_in_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[errands.Errand] = []
    monkeypatch.setattr(errands, "start", started.append)
    at = open_page(PAGE, data="planted").run()
    assert_healthy(at)
    assert "ended without a word" in at.error[0].value
    assert len(started) == 1
    next(button for button in at.button if button.label == "Try again").click().run()
    assert len(started) == 2


def test_the_portrait_says_what_was_read_and_how_it_looks(at_once: None) -> None:
    at = open_page(PAGE, data="planted").run()
    assert_healthy(at)
    found = errands.portrait("planted")
    assert found
    assert {metric.label: metric.value for metric in at.metric} == {
        "Sequences": f"{found.profile.sequences:,}",
        "Events": f"{found.profile.events:,}",
        "Items": f"{found.profile.items:,}",
        "Median length": f"{found.profile.lengths.median:g}",
    }
    assert len(at.get("plotly_chart")) == 3
    assert "order matters" in words(at)


def test_distil_this_data_goes_to_the_form_with_it(at_once: None) -> None:
    at = open_page(PAGE, data="planted").run()
    next(button for button in at.button if button.label == "Distil this data").click().run()
    assert_healthy(at)
    assert at.title[0].value == "Distil"
    assert at.session_state["choice_data"] == "planted"


def test_a_download_needs_the_licence_accepted_first() -> None:
    at = open_page(PAGE, data="uci-eshop")
    assert_healthy(at)
    assert "Licence: CC BY 4.0" in words(at)
    download = next(button for button in at.button if button.label == "Download")
    assert download.disabled
    at.checkbox[0].check().run()
    assert not next(button for button in at.button if button.label == "Download").disabled


def test_without_a_network_the_download_says_what_to_do(at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARZI_CATALOGUE_BASE", "http://127.0.0.1:1")  # nobody listens there
    at = open_page(PAGE, data="uci-eshop")
    at.checkbox[0].check().run()
    next(button for button in at.button if button.label == "Download").click().run()
    assert_healthy(at)
    assert "there is no connection to 127.0.0.1:1" in plain(at.error[0].value)
    assert "open the file on the Data page" in plain(at.error[0].value)


def test_a_recipe_is_shown_where_there_is_no_download() -> None:
    at = open_page(PAGE, data="ptb")
    assert_healthy(at)
    assert "your own licensed copy" in plain(at.info[0].value)


def test_an_upload_is_previewed_mapped_imported_and_shown(at_once: None, farzi_home: Path) -> None:
    """The whole way, with item titles from a second file that attack Markdown, HTML and spreadsheets."""
    at = open_page(PAGE, mode=UPLOAD)
    upload(at)
    assert_healthy(at)
    assert list(at.dataframe[0].value.columns) == ["who", "what", "when"]
    for role, column in (("User", "who"), ("Item", "what"), ("Time", "when")):
        choose(at, role, column)
    upload(at, NAMES, "names.csv", which=1)
    at.button(key="import").click().run()
    assert_healthy(at)
    (card,) = [card for card in library.list_sources(counts=False) if card.kind == "imported"]
    assert (card.name, card.events, card.sequences, card.items) == ("clicks", 80, 20, 4)
    assert at.query_params["data"] == card.key
    at.run()
    assert_healthy(at)
    titles = {title for row in at.dataframe[-1].value["First events"] for title in row}
    assert titles == set(TITLES)
    assert "evil" not in words(at)
    assert list((farzi_home / "cache" / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("user,item\nann,a\nbob,b,c\n", "line 3"),
        ("user,user\nann,a\n", "'user'"),
        ("user,item\nann,a\x00b\n", "line 2"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_the_rule(content: str, said: str) -> None:
    at = open_page(PAGE, mode=UPLOAD)
    upload(at, content, "![x](http://evil.example/x.png).csv")
    if any(button.key == "import" for button in at.button):
        at.button(key="import").click().run()
    assert_healthy(at)
    assert said in plain(at.error[0].value)
    assert "![x](" not in at.error[0].value
    assert not [card for card in library.list_sources(counts=False) if card.kind == "imported"]


STORY = "".join(
    f"The {animal} sees a {thing}. Then it {verb}s!\n"
    for animal in ("cat", "dog", "cow", "owl")
    for thing in ("tree", "house", "![x](http://evil.example/x.png)")
    for verb in ("like", "fear")
)


def upload_text(content: bytes, name: str) -> Any:
    at = open_page(PAGE, mode=UPLOAD, content="Text")
    at.file_uploader[0].upload(name, content, "text/plain").run()
    return at


def imported() -> list[library.SourceCard]:
    return [card for card in library.list_sources(counts=False) if card.kind == "imported"]


def test_the_address_says_whether_an_upload_is_events_or_a_text() -> None:
    assert open_page(PAGE, mode=UPLOAD).file_uploader[0].label == "Events"
    at = open_page(PAGE, mode=UPLOAD, content="Text")
    assert_healthy(at)
    assert at.file_uploader[0].label == "Text"


def test_a_text_is_previewed_imported_shown_and_distilled(at_once: None, farzi_home: Path) -> None:
    at = upload_text(STORY.encode(), "story.txt")
    assert_healthy(at)
    assert at.dataframe[0].value["Sentence"].tolist()[:2] == ["The cat sees a tree.", "Then it likes!"]
    assert "plain text · tokens: words" in plain(words(at))
    at.button(key="import").click().run()
    assert_healthy(at)
    (card,) = imported()
    assert (card.name, card.task, card.sequences) == ("story", "language", 48)
    assert at.query_params["data"] == card.key
    at.run()
    assert_healthy(at)
    found = errands.portrait(card.key)
    assert found
    assert {metric.label: metric.value for metric in at.metric} == {
        "Sentences": "48",
        "Tokens": f"{found.profile.events:,}",
        "Words": f"{found.profile.items:,}",
        "Median length": f"{found.profile.lengths.median:g}",
        "Read as <unk>": f"{found.profile.unknown:.1%}",
    }
    assert [element.value for element in at.markdown if "**How " in element.value] == [
        "**How long sentences are**",
        "**How frequent words are**",
        "**How much order matters**",
    ]
    assert "A straight fall is Zipf's law" in plain(words(at))
    assert "evil.example" not in words(at)
    assert list((farzi_home / "cache" / "uploads").iterdir()) == []
    next(button for button in at.button if button.label == "Distil this data").click().run()
    assert_healthy(at)
    assert (at.title[0].value, at.session_state["choice_data"]) == ("Distil", card.key)


def test_what_was_read_wrongly_can_be_said_better() -> None:
    at = upload_text(b"One\ntwo\nthree, caf\xe9\n", "lines.txt")
    assert "line 3" in plain(at.error[0].value)
    at.selectbox(key="text:encoding").select("cp1252").run()
    at.selectbox(key="text:layout").select("one sentence a line").run()
    assert_healthy(at)
    assert at.dataframe[0].value["Sentence"].tolist() == ["One", "two", "three, caf\xe9"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "empty.txt", "empty"),
        (b"fine\n\nnot a\x00fine line\n", "nul.txt", "line 3"),
        (b'{"text": "a"}\n{"text": \n', "broken.jsonl", "line 2"),
        (b"PK\x03\x04 not a zip", "![x](http://evil.example/x.png).zip", "cut off"),
    ],
)
def test_a_bad_text_is_refused_in_words_and_nothing_is_imported(content: bytes, name: str, said: str) -> None:
    at = upload_text(content, name)
    if any(button.key == "import" for button in at.button):
        at.button(key="import").click().run()
    assert_healthy(at)
    assert said in plain(at.error[0].value)
    assert "![x](" not in at.error[0].value
    assert not imported()
