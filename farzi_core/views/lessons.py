"""The six lessons of the Learn page: words, sliders, question, and the function that shows them.

A control's name is its key in the address, and the word that `hide=` takes. Figures are made by `lesson_charts` and
`lesson_adam_charts`; every number in a reason is one that these compute (tests/views/test_lessons.py).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from farzi_core.views import lesson_adam_charts as adam_charts
from farzi_core.views import lesson_charts as charts
from farzi_core.views import lesson_memory
from farzi_core.views.lesson_charts import Shown

ALWAYS = ("lesson", "question", "teacher")  # parts of every lesson that can be hidden too


@dataclass(frozen=True)
class Control:
    """One slider; whole numbers where all of low, high, value and step are whole."""

    name: str
    label: str
    low: float
    high: float
    value: float
    step: float
    help: str

    def read(self, written: str | None) -> float:
        """The value in an address, kept in range; the default where there is none or it is no number."""
        try:
            found = float(written) if written else self.value
        except ValueError:
            return self.value
        if not math.isfinite(found):
            return self.value
        inside = min(max(found, self.low), self.high)
        return round(inside) if isinstance(self.value, int) else inside


@dataclass(frozen=True)
class Question:
    """Predict, then reveal: `right` is the place of the right choice."""

    asks: str
    choices: tuple[str, ...]
    right: int
    reason: str


@dataclass(frozen=True)
class Experiment:
    """Something to measure on this machine after a guess; `measure` takes seconds and may raise `FarziError`."""

    sentence: str
    question: Question
    measure: Callable[[], Shown]


@dataclass(frozen=True)
class Lesson:
    """Two sentences, sliders, what they show (called with the values in their order), a question, where it is used."""

    title: str
    intro: str
    controls: tuple[Control, ...]
    show: Callable[..., Shown]
    question: Question
    page: str
    link: str
    experiment: Experiment | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """What `hide=` can take away beside the sliders."""
        return (*ALWAYS, "experiment") if self.experiment else ALWAYS


def hidden(written: list[str]) -> frozenset[str]:
    """Names in the `hide=` of an address, repeated or with commas; the rest of an address never reaches the page."""
    return frozenset(name.strip() for one in written for name in one.split(",") if name.strip())


def link(number: str, values: Mapping[str, float], without: frozenset[str] = frozenset()) -> dict[str, str]:
    """Query parameters of exactly this view."""
    view = {"lesson": number, **{name: f"{value:g}" for name, value in values.items()}}
    return view | ({"hide": ",".join(sorted(without))} if without else {})


_RATE = "How far one step of the inner optimiser goes."
_LESSONS = (
    Lesson(
        "What is an autoregressive model?",
        "A model that guesses the next event from those before it is autoregressive: the chance of a whole sequence is "
        "the product of its guesses. Here the simplest ones learn by counting in sentences about the weather, and "
        "perplexity says among how many words they still hesitate.",
        (
            Control("sentences", "Sentences read", 1, 1000, 10, 1, "Each has ten words."),
            Control("history", "Words of history", 0, 1, 1, 1, "0: only how frequent a word is; 1: the last word too."),
        ),
        charts.next_word,
        Question(
            "The model with one word of history reads more and more sentences. What does its perplexity do?",
            ("It falls to 1: in the end it knows every word", "It falls to about 2.9 and stays", "It falls to 0"),
            1,
            "The weather itself is uncertain: even the true chances have a perplexity of 2.94 words. More data bring "
            "the model to this floor, and only a better view of the past could lower the floor.",
        ),
        "accuracy.py",
        "Accuracy compares a first-order Markov rule like this one with trained models",
    ),
    Lesson(
        "Distillation is a game on two levels",
        "Inside, a model trains on two synthetic points by T steps of gradient descent; outside, the labels of these "
        "points are corrected until that short training ends well on 40 real points. The correction needs the "
        "derivative of the end of training with respect to the data it was made on.",
        (
            Control("outer_step", "Outer step", 0, 60, 0, 1, "Corrections of the synthetic labels so far."),
            Control("inner_steps", "Inner steps T", 1, 40, 3, 1, "Steps of training on the synthetic points."),
            Control("inner_lr", "Inner learning rate", 0.05, 1.0, 0.3, 0.05, _RATE),
        ),
        charts.game,
        Question(
            "After 60 outer steps with T = 3: what labels do the two synthetic points have?",
            (
                "Those of the best model: the points lie on the line it draws",
                "Exaggerated ones, several times as large",
                "Zero: two points are too few",
            ),
            1,
            "Three steps are short, so the labels learn to pull harder: 2.8 and -2.7, where the best model itself says "
            "0.8 and -0.8. Distilled data are not small real data; they are made for one way of training.",
        ),
        "sequences.py",
        "Sequences shows what such data look like for events",
    ),
    Lesson(
        "Through Adam and back",
        "The derivative is walked back through every step of Adam with three adjoints: of the weights, dθ, of the "
        "first moment, dm, and of the second, dv. The paper's line 13 folds dv into dm, which is not the gradient; "
        "finite differences decide.",
        (
            Control("adam_steps", "Inner steps T", 2, 60, 20, 1, "Steps forward; each is walked back once."),
            Control("back", "Steps walked back", 0, 60, 5, 1, "More than T counts as T."),
            Control("adam_lr", "Inner learning rate", 0.01, 0.5, 0.05, 0.01, _RATE),
            Control("adam_eps", "ε of Adam, power of ten", -8, 0, -3, 1, "-3 means 0.001. It stands outside the root."),
        ),
        adam_charts.stepping,
        Question(
            "With T = 5, how far is the gradient by line 13 from the exact one?",
            ("Within a percent", "About as far as the gradient is long", "Many times as far as the gradient is long"),
            2,
            "Its error is 65 times the gradient's length: in the first steps m and v move almost together, so two "
            "large paths nearly cancel, and line 13 lets one of them decay at the other's rate.",
        ),
        "runs.py",
        "Runs draws the norm of this gradient for every outer step",
    ),
    Lesson(
        "Memory: unrolling against a tape",
        "Plain automatic differentiation keeps the graphs of all T steps until the way back; the engine keeps one "
        "graph, the gradients and a few states, and makes the rest again. The bytes below are those "
        "of the engine's own plan.",
        (
            Control("weights", "Weights n, power of ten", 3.0, 8.0, 5.2, 0.1, "5.2 means 158,489 weights."),
            Control("tape_steps", "Inner steps T", 1, 1000, 100, 1, "Steps that are differentiated."),
            Control("graph", "Numbers a graph keeps per weight", 1, 500, 150, 1, "Activations; grows with the batch."),
        ),
        charts.memory,
        Question(
            "T is doubled from 100 to 200. By what factor does what checkpoints keep beside the graph grow?",
            ("2", "About 1.4", "It does not grow"),
            1,
            "Checkpoints keep about √T states and the gradients of one segment of √T steps, so the factor is near √2. "
            "The price is that most gradients are evaluated twice.",
        ),
        "distill.py",
        "Distil estimates time and memory of a run before it starts",
        Experiment(
            "The same on a real student, small enough for seconds: SASRec with 15,136 weights trained on 20 synthetic "
            "sequences, the meta-gradient three times over 2, 5, 10 and 20 steps, in a process of its own.",
            Question(
                "From 5 to 20 steps, by what factor does the peak of unrolling grow, and that of the tapes?",
                (
                    "Both by 4, as T does",
                    "Unrolling by a little more than 3, the tapes by less than 1.5",
                    "Unrolling by 16, the tapes by 4",
                ),
                1,
                "Unrolling adds the graph of every step to what is there anyway, so it nears 4 from below. The tapes "
                "add a gradient a step, or less, to one graph: at this size the graph is most of it.",
            ),
            lesson_memory.measured,
        ),
    ),
    Lesson(
        "Latent factors and rank",
        "A table of probabilities for every position would have V columns, so only Z and M with d factors are stored "
        "and X = softmax(Z M / τ) is made from them. Here eight positions over twelve items are stored with d factors "
        "as well as logits of that rank can (least squares).",
        (
            Control("factors", "Latent factors d", 1, 8, 2, 1, "Columns of Z and rows of M."),
            Control("tau", "Temperature τ", 0.3, 3.0, 1.0, 0.1, "Below 1 sharpens every position, above 1 softens."),
        ),
        charts.factors,
        Question(
            "At τ = 1, how many factors store these eight positions without loss?",
            ("4, one a group of items", "5", "8, one a position"),
            1,
            "Four groups differ in three directions, and the favourite's place inside its group adds two: 3 + 2 = 5. "
            "Softmax ignores what is added to all items, so a direction that all items share costs nothing.",
        ),
        "factors.py",
        "Factors shows what each factor of a run stands for",
    ),
    Lesson(
        "When it fails: chaos and horizon",
        "If each training step magnifies small differences, T steps magnify them T times over, and the exact "
        "derivative of such a training is large, wild and useless. This toy has hills in its inner loss, as networks "
        "have, and β₂ = 0.9, so that 150 steps show what long trainings show.",
        (
            Control("chaos_lr", "Inner learning rate", 0.01, 1.2, 0.8, 0.01, _RATE),
            Control("horizon", "Inner steps T", 5, 300, 150, 5, "The horizon that is differentiated."),
            Control("chaos_eps", "ε of Adam, power of ten", -8, 0, -3, 1, "0 means 1: steps shrink with the gradient."),
        ),
        adam_charts.chaos,
        Question(
            "Growth is above 1,000 at rate 0.8, T = 150, ε = 0.001. Which change does NOT calm it?",
            ("A larger ε: 1", "A shorter horizon: T = 20", "More outer steps"),
            2,
            "ε = 1 brings growth to 0.001 and T = 20 to about 1. Outer steps change the data, not the training "
            "that is differentiated: along a wild landscape more steps are more wandering.",
        ),
        "runs.py",
        "Runs marks where the guard rolled a run back because of this",
    ),
)
LESSONS: dict[str, Lesson] = {str(number): lesson for number, lesson in enumerate(_LESSONS, start=1)}
