"""The Sequences page in every state a run can be in, and its choices."""

import html
import io
from collections.abc import Callable
from pathlib import Path

import fixtures
import pandas as pd
import pytest
import safetensors.numpy
import streamlit
from apptest import assert_healthy, open_page, words

from farzi_core.config import RunConfig, with_settings
from farzi_core.runs.manifest import RunState
from farzi_core.views import load, reading, report_html, sequences, terms
from farzi_core.views.load import RunView
from farzi_core.views.sequences import Face

PAGE = "sequences.py"


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.STOPPED, RunState.DIVERGED, RunState.QUEUED])
def test_a_run_without_result_is_said_to_have_none(farzi_home: Path, state: RunState) -> None:
    fixtures.make_finished_run(farzi_home, state=state, error="![x](http://evil.example/x.png)")
    at = open_page(PAGE)
    assert_healthy(at)
    said = words(at)
    assert ("Still at work" if state is RunState.QUEUED else "This run has no result here") in said
    assert not at.dataframe


def test_a_stopped_run_that_stored_a_result_shows_it_with_a_warning(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, state=RunState.STOPPED, result=True)
    at = open_page(PAGE)
    assert_healthy(at)
    assert "not finished" in at.warning[0].value
    assert at.dataframe


def test_a_finished_run_shows_overview_strip_neighbours_and_reference(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE)
    assert_healthy(at)
    view = RunView(folder)
    expected = sequences.overview(view.synthetic, reading.of_run(view), view.nearest)
    pd.testing.assert_frame_equal(at.dataframe[0].value.reset_index(drop=True), expected, check_dtype=False)
    assert len(at.get("plotly_chart")) == 5
    assert at.code[0].value == expected["decoded"][0]
    assert "decoded synthetic sequences are verbatim copies" in words(at)
    assert len(at.get("download_button")) == 4


def test_a_link_chooses_run_sequence_filter_and_order(farzi_home: Path) -> None:
    linked = fixtures.make_finished_run(farzi_home, number=1)
    fixtures.make_finished_run(farzi_home, number=2, mu=3)
    at = open_page(PAGE, run=linked.name, sequence="4", find=".items", sort="entropy", descending="true")
    assert_healthy(at)
    view = RunView(linked)
    whole = sequences.overview(view.synthetic, reading.of_run(view), view.nearest)
    expected = sequences.select(whole, ".items", sequences.Sort.ENTROPY, True)
    assert at.dataframe[0].value["number"].tolist() == expected["number"].tolist()
    assert 0 < len(expected) < 6
    assert at.number_input(key="sequence").value == 4
    assert at.code[0].value == whole["decoded"][3]


def test_a_sequence_that_the_run_does_not_have_becomes_the_first(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, mu=3)
    at = open_page(PAGE)
    at.session_state["sequence"] = 99
    at.run()
    assert_healthy(at)
    assert at.number_input(key="sequence").value == 1


def test_a_sample_changes_with_its_seed_and_comes_back(farzi_home: Path) -> None:
    view = RunView(fixtures.make_finished_run(farzi_home))
    at = open_page(PAGE)
    at.radio(key="decode").set_value("Sampled").run()
    assert_healthy(at)
    for seed in (0, 5):
        at.number_input(key="seed").set_value(seed).run()
        drawn = sequences.decode_sampled(view.synthetic, seed)[:1]
        assert at.code[0].value == sequences.join(drawn, reading.of_run(view))[0]


def test_a_run_with_labels_shows_what_is_read_or_what_is_to_be_predicted(farzi_home: Path) -> None:
    view = RunView(fixtures.make_finished_run(farzi_home, labels="own"))
    at, seen = open_page(PAGE, sequence="4"), []
    for face, shown in ((0, view.synthetic), (1, view.synthetic.wanted)):
        assert shown is not None
        if face:
            at.radio(key="face").set_value("What is to be predicted").run()
        assert_healthy(at)
        assert sequences.labels_sentence(view.synthetic, 3, terms.EVENTS) in words(at)
        best = sequences.decode_argmax(shown)[3:4]
        assert at.code[0].value == sequences.join(best, reading.of_run(view))[0]
        (table,) = (one.value for one in at.dataframe if "rank" in one.value and "entropy" in one.value)
        wanted = sequences.positions(shown, 3, view.vocab, 5)
        pd.testing.assert_frame_equal(table.reset_index(drop=True), wanted, check_dtype=False)
        overview = sequences.overview(view.synthetic, reading.of_run(view), view.nearest)
        assert at.dataframe[0].value["decoded"].tolist() == overview["decoded"].tolist(), "that of what is read"
        chart = at.get("plotly_chart")[0].proto
        assert ("positions, what is to be predicted." in chart.alt) == bool(face)
        seen.append(chart.spec)
    assert seen[0] != seen[1], "the strip is another"
    assert open_page(PAGE, sequence="4", face="What is to be predicted").code[0].value == at.code[0].value


@pytest.mark.parametrize("start", ["covering", "matched"])
def test_excerpts_of_real_sequences_are_called_so_on_page_and_in_the_report(farzi_home: Path, start: str) -> None:
    sizes = {"synthetic.mu": 6, "synthetic.xi": 5, "synthetic.d": 3, "synthetic.labels": "own"}
    taught = {"objective.teachers": 2, "synthetic.start": start, "synthetic.start_labels": "taught"}
    config = with_settings(RunConfig(), sizes | taught)
    view = RunView(fixtures.make_finished_run(farzi_home, labels="own", config=config))
    at = open_page(PAGE)
    assert_healthy(at)
    assert (sequences.EXCERPTS in words(at)) == (start == "covering")
    assert (sequences.EXCERPTS in html.unescape(report_html.report(view, "r", []).decode())) == (start == "covering")


def test_downloads_are_of_what_is_shown_and_named_so(farzi_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = RunView(fixtures.make_finished_run(farzi_home, labels="own"))
    made: dict[str, Callable[[], bytes]] = {}
    monkeypatch.setattr(streamlit, "download_button", lambda _, **how: made.update({how["file_name"]: how["data"]}))
    for face, suffix in ((Face.READ, ""), (Face.WANTED, "-labels")):
        made.clear()
        assert_healthy(open_page(PAGE, face=face.value))
        run = f"farzi-{view.folder.name}"
        tables = {f"{run}{suffix}{end}" for end in (".csv", ".parquet", "-decoded.csv")}
        assert made.keys() == {*tables, f"{run}.safetensors"}
        table = pd.read_parquet(io.BytesIO(made[f"{run}{suffix}.parquet"]()))
        pd.testing.assert_frame_equal(table, sequences.all_positions(face.of(view.synthetic), view.vocab, 5))
        stored = safetensors.numpy.load(made[f"{run}.safetensors"]())
        assert stored.keys() == {"latent", "label_latent", "decoder", "tau"}


def test_without_labels_there_is_nothing_to_choose(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, face="What is to be predicted")
    assert_healthy(at)
    assert [one.key for one in at.radio] == ["decode"]
    assert "labels of their own" not in words(at)


def test_long_sequences_are_shown_a_page_at_a_time(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, mu=2, xi=60)
    at = open_page(PAGE)
    assert_healthy(at)
    assert "positions 1 to 50 of 60" in words(at)


def test_coverage_says_whom_the_chosen_sequence_stands_for(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    chosen = int(RunView(folder).coverage["synthetic"].mode()[0])
    mine = RunView(folder).coverage.query("synthetic == @chosen")
    at = open_page(PAGE, sequence=str(chosen + 1))
    assert_healthy(at)
    assert f"It stands for {len(mine)} real sequences" in words(at)
    examples = next(one.value for one in at.dataframe if "reference" in one.value)
    assert sorted(examples["user"]) == sorted(mine["user"])


def test_a_run_of_an_older_version_says_what_it_did_not_look_up(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, without=[load.COVERAGE])
    at = open_page(PAGE)
    assert_healthy(at)
    assert "made by an older version, which did not look this up" in words(at)
    assert "kept no real windows to search" in words(at)


def test_a_link_traces_an_item_and_the_chooser_another(farzi_home: Path) -> None:
    view = RunView(fixtures.make_finished_run(farzi_home))
    at = open_page(PAGE, item="id3")
    assert_healthy(at)
    assert at.selectbox(key="choice_item").value == "id3"
    count = int(view.vocab["count"].iloc[3])
    assert f"it has {count} events" in words(at)
    assert any("apart" in one.value for one in at.dataframe)
    at.selectbox(key="choice_item").set_value("id6").run()
    assert_healthy(at)
    assert at.query_params["item"] == "id6"


@pytest.mark.parametrize("item", ["<img src=x>", "id99", ""])
def test_an_item_that_the_run_does_not_have_becomes_the_most_frequent(farzi_home: Path, item: str) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, item=item)
    assert_healthy(at)
    assert at.selectbox(key="choice_item").value == "id0"


def test_a_damaged_result_is_said_in_words(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    path = folder / load.SYNTHETIC
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    at = open_page(PAGE)
    assert_healthy(at)
    assert "is damaged" in at.error[0].value


def test_a_damaged_run_is_said_to_be_damaged(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home)
    (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes()[:-9])
    at = open_page(PAGE)
    assert_healthy(at)
    assert "manifest.json is damaged" in at.error[0].value.replace("\\", "")


def test_hostile_titles_stay_text(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, titles=fixtures.HOSTILE_TITLES, name="![x](http://evil.example/x.png)")
    at = open_page(PAGE)
    assert_healthy(at)
    for element in (*at.markdown, *at.caption, *at.title, *at.subheader, *at.warning, *at.error):
        assert "evil.example" not in element.value.replace("\\", "")


def test_a_run_on_text_is_read_as_sentences_of_words(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, task="language", titles=fixtures.WORDS, xi=12)
    at = open_page(PAGE)
    assert_healthy(at)
    view = RunView(folder)
    synthetic = view.synthetic
    first = [fixtures.WORDS[item] for item in synthetic.probs(0)[0].argmax(axis=1)]
    shown = at.code[0].value
    assert shown == at.dataframe[0].value["decoded"].iloc[0]
    assert "<eos>" not in shown
    assert "→" not in shown
    assert [one for one in shown.replace(" ", "").replace("¶", "")] == [*"".join(first).replace("<eos>", "")]
    said = words(at)
    assert "6 synthetic sentences of 12 positions. A position is not one word" in said
    assert "Nearest real sentences" in said
    assert "sequence" not in said.lower().replace("sequences\n", "", 1), "but for the page's name"
    assert "<eos>" not in at.dataframe[2].value["window"].iloc[0]
    at.radio(key="decode").set_value("Sampled").run()
    drawn = sequences.decode_sampled(synthetic, 0)[:1]
    assert at.code[0].value == sequences.join(drawn, reading.of_run(view))[0]


def test_a_damaged_tokeniser_is_said_in_words(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, task="language", titles=fixtures.WORDS)
    (folder / load.TOKENISER).write_bytes(b"[]")
    at = open_page(PAGE)
    assert_healthy(at)
    assert "is damaged" in at.error[0].value
