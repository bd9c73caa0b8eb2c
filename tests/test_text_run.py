"""A run on text is a run like every other: the same pipeline, files, resume and export."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small import SETTINGS

import farzi_core as farzi
from farzi_core import pipeline
from farzi_core.config import RunConfig, with_settings
from farzi_core.data.dataset import Dataset
from farzi_core.data.prepare import prepare
from farzi_core.data.text import TextOptions, import_text
from farzi_core.data.token_table import TextSettings
from farzi_core.data.tokenise import END, parse
from farzi_core.errors import ConfigError
from farzi_core.evaluation.report import METRICS, Metric, RowName
from farzi_core.recorder import MemoryRecorder, Stopped

STORY = "".join(
    f"the {animal} sees a {thing} and {verb}s it\n"
    for animal in ("cat", "dog", "cow", "owl")
    for thing in ("tree", "house", "river", "hill", "road")
    for verb in ("like", "fear", "know")
)


def dataset(**text: Any) -> Dataset:
    corpus = import_text(STORY.encode(), "story.txt", TextOptions(layout="lines"))
    return prepare(corpus, max_items=40, text=TextSettings(**text))


def settings(**changed: Any) -> RunConfig:
    return with_settings(RunConfig(), {**SETTINGS, **{key.replace("__", "."): value for key, value in changed.items()}})


@pytest.mark.parametrize(("kind", "head"), [("sasrec", "tied"), ("sasrec", "untied"), ("gru4rec", "untied")])
def test_a_text_is_distilled_evaluated_and_written(tmp_path: Path, kind: str, head: str) -> None:
    outcome = pipeline.run_on(settings(model__kind=kind, model__head=head), dataset(), MemoryRecorder())
    report = outcome.evaluation
    assert report.task == "language"
    assert [row.name for row in report.rows] == [
        RowName.FULL, RowName.DISTILLED, RowName.RANDOM_SENTENCES, RowName.HEAD_SENTENCES, RowName.UNIGRAM,
        RowName.BIGRAM,
    ]  # fmt: skip
    for row in report.rows:
        assert set(row.mean) == set(METRICS["language"])
        assert row.mean[Metric.TOKEN_PPL] < len(outcome.dataset.vocab)
    bigram = report.row(RowName.BIGRAM)
    assert bigram is not None
    assert bigram.mean[Metric.ACCURACY] > 0.5  # the story is nearly a chain
    outcome.write(tmp_path)
    tokeniser = parse((tmp_path / "tokeniser.json").read_text(encoding="utf-8"))
    words = pd.read_parquet(tmp_path / "vocab.parquet")["item"]
    assert set(tokeniser.encode("The cat sees")) <= set(words)
    assert END in set(words)
    assert json.loads((tmp_path / "evaluation.json").read_text())["task"] == "language"


@pytest.mark.parametrize(("tokeniser", "pieces"), [("characters", {"t", " "}), ("subwords", {"▁the"})])
def test_characters_and_subwords_in_blocks_go_the_same_way(tmp_path: Path, tokeniser: str, pieces: set[str]) -> None:
    outcome = pipeline.run_on(settings(), dataset(tokeniser=tokeniser, block=12), MemoryRecorder())
    assert outcome.evaluation.task == "language"
    assert max(outcome.dataset.sequences.lengths) == 12
    outcome.write(tmp_path)
    kept = parse((tmp_path / "tokeniser.json").read_text(encoding="utf-8"))
    words = pd.read_parquet(tmp_path / "vocab.parquet")["item"].tolist()
    assert pieces <= {*words}
    assert {*kept.encode("the cat")} <= {*words}
    assert kept.decode(kept.encode("the cat sees a hill")) == "the cat sees a hill"


class StopsAfter(MemoryRecorder):
    """Asks for a stop once `steps` outer steps were logged."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def should_stop(self) -> bool:
        return sum(one["event"] == "step" for one in self.events) >= self.steps


def test_a_stopped_run_goes_on_to_the_same_bits() -> None:
    whole = pipeline.run_on(settings(), dataset(), MemoryRecorder())
    recorder = StopsAfter(3)
    with pytest.raises(Stopped):
        pipeline.run_on(settings(), dataset(), recorder)
    recorder.steps = 1000
    again = pipeline.run_on(settings(), dataset(), recorder)
    assert again.synthetic.latent.equal(whole.synthetic.latent)
    first, second = (one.evaluation.row(RowName.DISTILLED) for one in (whole, again))
    assert first is not None
    assert second is not None
    assert first.seeds == second.seeds


def test_the_python_api_exports_a_text_with_its_own_card(tmp_path: Path) -> None:
    run = farzi.distill(dataset(), settings())
    page = (run.synthetic.save(tmp_path / "out") / "README.md").read_text()
    assert "| Bigram (Kneser-Ney) | 0 |" in page
    assert "mean of the sentences' perplexities" in page
    assert "Accuracy without <unk>" in page


def test_seen_words_cannot_be_masked() -> None:
    with pytest.raises(ConfigError, match="mask_seen = True: 'story' is text"):
        pipeline.run_on(settings(evaluation__mask_seen=True), dataset(), MemoryRecorder())
