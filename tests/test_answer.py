"""Kept students answer as a direct call of the model does; a run keeps those that its own table judged."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import torch
from test_text_run import dataset, settings

from farzi_core import pipeline
from farzi_core.answer import Speaker, answer, chosen
from farzi_core.data import errands
from farzi_core.data.tokenise import END
from farzi_core.errors import ConfigError, FarziError, RunError
from farzi_core.evaluation import kept
from farzi_core.evaluation.final import SEEDS_FROM, Examiner
from farzi_core.evaluation.prompt import Question
from farzi_core.evaluation.report import RowName
from farzi_core.evaluation.students import on_sequences
from farzi_core.models.model import build
from farzi_core.recorder import MemoryRecorder
from farzi_core.runs import worker
from farzi_core.runs.run import Run
from farzi_core.runs.store import Store
from farzi_core.views.load import STUDENTS, RunView

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["sasrec", "gru4rec", "fmlp with labels"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One tiny run of the real worker on a text, with students of each architecture; one with labels of their own."""
    kind, labels = request.param.split()[0], "own" if "labels" in request.param else "next"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FARZI_HOME", str(tmp_path_factory.mktemp("answer") / "home"))
        patch.setattr(pipeline, "load", lambda *_: dataset())
        sizes = {"synthetic__xi": 8, "inner__crop": 6, "synthetic__labels": labels}  # students see 6 words, not 8
        teacher = {"teacher__epochs": 2, "teacher__schedule": "linear"}
        made = Store().create(settings(model__kind=kind, model__head="untied", **sizes, **teacher))
        assert worker.main([str(made.folder)]) == 0
        yield made


@pytest.fixture
def view(run: Run, monkeypatch: pytest.MonkeyPatch) -> RunView:
    monkeypatch.setenv("FARZI_HOME", str(run.folder.parents[1]))
    return RunView(run.folder)


def ask(view: RunView, words: str, **how: float) -> Question:
    ids = view.vocab["item"].tolist()
    items = tuple(map(ids.index, (END, *words.split())))
    values = {name: value if name == "temperature" else int(value) for name, value in how.items()}
    return Question(view.folder.name, view.checksum(STUDENTS), items, **values)  # type: ignore[arg-type]


def test_probabilities_are_those_of_the_model_called_directly(view: RunView) -> None:
    question = ask(view, "the cat sees a")
    found = answer(question.source)
    tensors = safetensors.torch.load((view.folder / STUDENTS).read_bytes())
    seen = 7 if view.synthetic.wanted else 6
    for side, prefix, length in ((found.full, "full.", 8), (found.distilled, "distilled.", seen)):
        weights = {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
        model = build(view.config.model, len(view.vocab), length)
        tokens = torch.tensor([question.items])
        logits = model.logits(weights, model.encode(weights, model.embed(weights, tokens)))[0, -1]
        wanted = logits.double().softmax(0)
        assert side.read == 5
        assert [one.probability for one in side.top] == pytest.approx(sorted(wanted.tolist(), reverse=True)[:10])
        assert [float(wanted[one.item]) for one in side.top] == pytest.approx([one.probability for one in side.top])


def test_the_kept_student_is_the_first_of_the_table(view: RunView) -> None:
    data, config = dataset(), view.config
    examiner = Examiner(config, config.students[0], data, CPU, MemoryRecorder())
    validation, _ = examiner.judges(config.model.max_length - 1)
    steps, epoch = config.teacher.full_steps(len(examiner.train))
    student = on_sequences(config, examiner.train, examiner.items, validation, SEEDS_FROM, steps, epoch)
    weights = kept.under(RowName.FULL, safetensors.torch.load((view.folder / STUDENTS).read_bytes()))
    assert weights.keys() == student.weights.keys()
    assert all(weights[name].equal(one) for name, one in student.weights.items())


def test_a_student_sees_the_last_items_that_it_was_trained_to_see(view: RunView) -> None:
    """With labels it predicts from the last position of a stretch, too."""
    words, read = "the cat sees a tree and likes it", 6 if view.synthetic.wanted else 5
    long, short = (answer(ask(view, one).source) for one in (words, " ".join(words.split()[-read:])))
    assert (long.full.read, long.distilled.read) == (7, read)
    assert long.distilled.top == short.distilled.top, "its last words are the same"


def test_the_same_question_has_the_same_answer_and_another_seed_another(view: RunView) -> None:
    seeds = [answer(ask(view, "the", temperature=5, seed=seed).source) for seed in (1, 1, 2)]
    assert seeds[0] == seeds[1]
    assert seeds[0].full.top == seeds[2].full.top
    assert seeds[0].full.continuation != seeds[2].full.continuation


def test_a_process_of_its_own_keeps_the_answer_for_everybody_with_the_link(view: RunView) -> None:
    source = ask(view, "the dog", length=3).source
    errand = errands.Errand("answer", source)
    errand.folder.mkdir(parents=True)
    assert errands.answered(source) is None
    errands.main(errand.kind, source)
    assert errands.finished(errand)
    assert errands.answered(source) == answer(source)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ("{id}/{digest}/1.2/0/0/0", ConfigError, "length 0; choose from 1 to 100"),
        ("{id}/{digest}/1.2/-1/0/5", ConfigError, "temperature '-1'"),
        ("{id}/{digest}/1.2/nan/0/5", ConfigError, "temperature 'nan'"),
        ("{id}/{digest}/1.x/0/0/5", ConfigError, "'x' is not a whole number"),
        ("{id}/{digest}//0/0/5", ConfigError, "'' is not a whole number"),
        ("{id}/{digest}/1.99999/0/0/5", ConfigError, "item 99999: this run has"),
        ("{id}/0123456789abcdef/1/0/0/5", RunError, "have changed since this page was opened"),
        ("../x/{digest}/1/0/0/5", FarziError, "has not six parts"),
        ("x/{digest}/1/0/0/5", FarziError, "is no run id"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    view: RunView, changed: str, error: type[FarziError], words: str
) -> None:
    with pytest.raises(error, match=words):
        answer(changed.format(id=view.folder.name, digest=view.checksum(STUDENTS)[:16]))


class Chain:
    """A model by hand, V = 3: after item v come the logits TABLE[v], whatever was before."""

    items, max_length = 3, 4
    TABLE = torch.tensor([[0.0, math.log(3), 0.0], [0.0, 0.0, math.log(2)], [math.log(8), 0.0, math.log(7)]])

    def embed(self, weights: object, sequences: torch.Tensor) -> torch.Tensor:
        return self.TABLE[sequences]

    def encode(self, weights: object, embedded: torch.Tensor) -> torch.Tensor:
        return embedded

    def logits(self, weights: object, hidden: torch.Tensor) -> torch.Tensor:
        return hidden


def test_greedy_and_the_end_by_hand() -> None:
    chain = Speaker(Chain(), {})  # type: ignore[arg-type]
    asked = Question("", "", (0,), length=5)
    assert chain.goes_on(asked, None) == [1, 2, 0, 1, 2]
    assert chain.goes_on(asked, 0) == [1, 2, 0], "the sentence ends"
    top = chain.side(asked, None).top
    assert [one.item for one in top] == [1, 0, 2]
    assert [one.probability for one in top] == pytest.approx([0.6, 0.2, 0.2])


@pytest.mark.parametrize(("temperature", "edges"), [(1.0, (0.2, 0.8)), (0.5, (1 / 11, 10 / 11))])
def test_a_drawn_item_is_where_the_chance_falls_in_the_cumulative_distribution(
    temperature: float, edges: tuple[float, float]
) -> None:
    first, second = edges
    for chance, item in ((0, 0), (first - 1e-6, 0), (first + 1e-6, 1), (second - 1e-6, 1), (second + 1e-6, 2)):
        assert chosen(Chain.TABLE[0].double(), temperature, chance) == item
    assert chosen(Chain.TABLE[0].double(), temperature, math.nextafter(1, 0)) == 2


def test_of_equal_scores_the_first_counts() -> None:
    assert chosen(torch.zeros(4).double(), 0, 0.9) == 0


def test_what_is_too_large_or_not_finite_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert kept.portable({"item": torch.ones(2, 2).double()})["item"].dtype is torch.float32
    assert kept.portable({"item": torch.tensor([1.0, math.nan])}) == {}
    monkeypatch.setattr(kept, "MAX_KEPT_STUDENT_BYTES", 15)
    assert kept.portable({"item": torch.ones(2, 2)}) == {}
    assert "not finite" in caplog.text
    assert "more than the 0 MB that a run keeps" in caplog.text


def test_a_run_whose_students_are_too_large_has_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT_STUDENT_BYTES", 15)
    outcome = pipeline.run_on(settings(), dataset(), MemoryRecorder())
    outcome.write(tmp_path)
    assert not (tmp_path / "students.safetensors").exists()
