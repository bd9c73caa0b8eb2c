"""The Factors page in every state a run can be in, its choices and what a lasso lists."""

import json
import re
from pathlib import Path

import fixtures
import numpy as np
import pytest
from apptest import assert_healthy, open_page, words
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Dataframe

from farzi_core.views import factor_charts, load
from farzi_core.views.load import RunView
from farzi_core.views.sequences import Face

PAGE = "factors.py"


def test_a_finished_run_shows_map_factor_and_heat_map(farzi_home: Path) -> None:
    view = RunView(fixtures.make_finished_run(farzi_home))
    at = open_page(PAGE, factor="2")
    assert_healthy(at)
    assert len(at.get("plotly_chart")) == 3
    weights = view.synthetic.decoder[1]
    assert at.dataframe[0].value["id"].tolist()[:6] == np.argsort(-weights)[:6].tolist()


@pytest.mark.parametrize("projection", ["PCA", "t-SNE"])
@pytest.mark.parametrize("colour", ["popularity", "group", "cluster"])
def test_every_map_can_be_linked_to(farzi_home: Path, projection: str, colour: str) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, map=projection, colour=colour)
    assert_healthy(at)
    alt = f"({projection}), coloured by {colour}"
    assert alt in str(at.get("plotly_chart")[0].proto)


def test_found_items_are_listed(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, highlight="path")
    assert_healthy(at)
    assert at.dataframe[0].value["title"].tolist() == ["os.path.join"]
    assert "1 of 12 items found" in words(at)


def test_selected_items_are_listed_and_belong_to_one_run(farzi_home: Path) -> None:
    folder = fixtures.make_finished_run(farzi_home, number=1)
    other = fixtures.make_finished_run(farzi_home, number=2)
    at = open_page(PAGE, run=folder.name)
    at.session_state["picked"] = (folder.name, [0, 4])
    at.run()
    assert_healthy(at)
    assert set(at.dataframe[0].value["title"]) == {"len", "os.path.join"}
    at.selectbox(key="choice_run").set_value(other.name).run()
    assert_healthy(at)
    assert "side" in at.dataframe[0].value.columns  # the table of the factor: nothing is selected in this run


def test_one_sequence_of_z(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home)
    at = open_page(PAGE, latent="One sequence", sequence="3")
    assert_healthy(at)
    assert "Z, sequence 3." in words(at)


@pytest.mark.parametrize("how", [{}, {"latent": "One sequence", "sequence": "3"}])
def test_of_a_run_with_labels_either_latent_is_shown(farzi_home: Path, how: dict[str, str]) -> None:
    view = RunView(fixtures.make_finished_run(farzi_home, labels="own"))
    chosen = 2 if how else None
    for face, shown in (("What is read", view.synthetic), ("What is to be predicted", view.synthetic.wanted)):
        assert shown is not None
        at = open_page(PAGE, face=face, **how)
        assert_healthy(at)
        assert at.radio(key="face").value == face
        assert at.get("plotly_chart")[-1].proto.alt == factor_charts.latent_chart(shown, chosen, face=Face(face)).alt


def test_a_run_without_labels_has_one_latent(farzi_home: Path) -> None:
    view = RunView(fixtures.make_finished_run(farzi_home))
    at = open_page(PAGE, face="What is to be predicted")
    assert_healthy(at)
    assert "face" not in [one.key for one in at.radio]
    assert at.get("plotly_chart")[-1].proto.alt == factor_charts.latent_chart(view.synthetic, None).alt


def test_without_maps_the_rest_is_still_shown(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, without=[load.MAPS])
    at = open_page(PAGE)
    assert_healthy(at)
    assert len(at.get("plotly_chart")) == 2


def test_hostile_titles_stay_text(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, titles=fixtures.HOSTILE_TITLES)
    at = open_page(PAGE, highlight="![x](http://evil.example/x.png)")
    assert_healthy(at)
    for element in (*at.markdown, *at.caption, *at.title, *at.subheader, *at.warning, *at.error):
        assert "evil.example" not in element.value.replace("\\", "")


def test_planted_truth_is_shown_where_a_run_has_it(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, more={load.RECOVERY: fixtures.RECOVERED.model_dump_json().encode()})
    at = open_page(PAGE)
    assert_healthy(at)
    assert "Adjusted Rand index of the clusters against the planted groups: 0.62" in words(at)


def test_a_text_is_spoken_of_in_words_everywhere(farzi_home: Path) -> None:
    fixtures.make_finished_run(farzi_home, task="language", titles=fixtures.WORDS)
    everything = ""
    for how in ({"map": "PCA", "latent": "One sentence"}, {"map": "t-SNE", "colour": "group"}):
        at = open_page(PAGE, highlight="list", sequence="2", **how)
        assert_healthy(at)
        everything += whole(at)
    for wanted in (
        "M (one column for each word)", "Map of words", "Map of 12 words by their columns", "1 of 12 words found",
        "to list their words", "Most frequent: ", "Z, sentence 2.", "mean of 6 sentences", "Position in the sentence",
        "Word (n = 12)", "raises the words on the right", "part of a word", " tokens<", "Words (n = 12)",
        "Among training sentences.", "'Token'", "Words found on the map.", "Words with the largest",
    ):  # fmt: skip
        assert wanted in everything, wanted
    assert (
        re.findall(r".{20}\b(?:items?|users?|sequences?|events?|catalogues?)\b.{20}", everything, re.IGNORECASE) == []
    )


def _readable(spec: str) -> str:
    """A figure without the names of plotly's own keys."""
    figure = json.loads(spec)
    texts: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                walk(one)

    walk([figure["data"], {key: one for key, one in figure["layout"].items() if key != "template"}])
    return "\n".join(texts)


def _headings(table: Dataframe) -> str:
    """Labels and help of the columns that are shown."""
    configured = json.loads(table.proto.columns)
    return "\n".join(str(configured.get(name, name)) for name in table.value.columns)


def whole(at: AppTest) -> str:
    """What a person can read on the page: texts, labels, alternatives, figures, headings of tables."""
    charts = "".join(f"{one.proto.alt}\n{_readable(one.proto.spec)}\n" for one in at.get("plotly_chart"))
    tables = "".join(f"{one.proto.alt}\n{_headings(one)}\n" for one in at.dataframe)
    inputs = (*at.radio, *at.selectbox, *at.text_input, *at.number_input)
    chosen = [one for one in inputs if one.label != "Run"]  # the name of a run is a person's
    labels = "".join(f"{one.label} {one.help} {getattr(one, 'options', '')}\n" for one in chosen)
    return words(at) + charts + tables + labels + "".join(str(one.placeholder) for one in at.text_input)
