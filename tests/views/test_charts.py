"""Every figure: axis titles, units or n, words for those who do not see it, and foreign text that stays text."""

import json
from collections.abc import Iterator
from typing import get_args

import fixtures
import pytest

from farzi_core.data.dataset import Task
from farzi_core.evaluation.measures import MEASURES
from farzi_core.evaluation.report import METRICS, Metric
from farzi_core.sections import ObjectiveConfig, ObjectiveKind
from farzi_core.views import accuracy, factor_charts, factors, progress, sequence_charts, sequences
from farzi_core.views.factors import Colour, Projection
from farzi_core.views.load import RunView
from farzi_core.views.theme import Chart

META = ObjectiveConfig()


def charts(view: RunView) -> Iterator[tuple[str, Chart]]:
    """Every chart of the three pages and of the progress of a run, by name."""
    synthetic, vocab = view.synthetic, view.vocab
    yield "strip", sequence_charts.strip(sequences.positions(synthetic, 0, vocab, 5), 1, synthetic.items)
    yield "memorisation", sequence_charts.memorisation_chart(view.memorisation, synthetic.xi)
    for projection in Projection:
        frame = factors.item_map(vocab, view.maps, projection)
        for colour in Colour:
            found = factors.search(frame, "x")
            variance = view.maps["pca_variance"]
            yield f"map {projection} {colour}", factor_charts.map_chart(frame, projection, colour, found, variance, 12)
    yield "factor", factor_charts.factor_chart(factors.factor_items(synthetic, vocab, 0, 5), 0)
    yield "latent", factor_charts.latent_chart(synthetic, None)
    yield "latent one", factor_charts.latent_chart(synthetic, 1)
    for metric in METRICS["recommendation"]:
        yield f"curves {metric}", accuracy.curve_chart(view.curves, metric, view.evaluation)
        yield f"seeds {metric}", accuracy.seeds_chart(view.evaluation, metric)
    events = fixtures.events()
    progressing = {
        "loss": progress.loss(events, META),
        "gradient": progress.gradient(events),
        "validation": progress.validation(events),
    }
    for name, chart in progressing.items():
        assert chart is not None
        yield name, chart


def test_every_figure_has_axis_titles_alt_text_and_a_caption(view: RunView) -> None:
    for name, chart in charts(view):
        axes = [axis for axis in chart.figure.layout if axis.startswith(("xaxis", "yaxis"))]
        assert len(axes) >= 2, name
        for axis in axes:
            shared = axis != "yaxis" and chart.figure.layout[axis].matches == "y"
            assert chart.figure.layout[axis].title.text or shared, (name, axis)
        assert len(chart.alt) > 40, name
        assert len(chart.caption) > 40, name


def test_counts_and_units_stand_on_the_axes_or_in_the_legend(view: RunView) -> None:
    written = {name: json.dumps(chart.figure.to_plotly_json(), default=str) for name, chart in charts(view)}
    assert "test users (n = 200)" in written["seeds hr@10"]
    assert "validation users (n = 180)" in written["curves auc"]
    assert "(n = 5 students)" in written["curves auc"]
    assert "(n = 6)" in written["memorisation"]
    assert "(bits)" in written["strip"]
    assert "nats an event" in written["loss"]


@pytest.mark.parametrize("metric", METRICS["language"])
def test_figures_of_a_text_name_sentences_and_the_metric_s_own_unit(metric: Metric) -> None:
    report = fixtures.evaluation(task="language")
    curve = accuracy.curve_chart(fixtures.curves(report), metric, report)
    dots = accuracy.seeds_chart(report, metric)
    live = progress.validation(fixtures.events(task="language"), metric)
    assert live is not None
    for chart in (curve, dots, live):
        written = json.dumps(chart.figure.to_plotly_json(), default=str)
        assert "sentences" in written
        assert "users" not in written
        assert (".2%}" in written) == metric.is_fraction
    assert "Unigram and Bigram (Kneser-Ney) are rules" in dots.caption
    assert ("lowest" if metric.lower_is_better else "highest") in live.alt


def test_same_row_has_the_same_colour_dash_and_marker_in_every_figure(view: RunView) -> None:
    line = accuracy.curve_chart(view.curves, Metric.HR10, view.evaluation).figure
    dots = accuracy.seeds_chart(view.evaluation, Metric.HR10).figure
    lines = {trace.name.split(" (")[0]: trace for trace in line.data if trace.name}
    means = {trace.y[0]: trace for trace in dots.data if trace.error_x.array is not None}
    assert set(lines) == {"Full data", "Distilled", "Random users", "Head users"}
    for label, trace in lines.items():
        assert trace.line.color == means[label].marker.color
        assert trace.marker.symbol == means[label].marker.symbol
    assert len({trace.line.dash for trace in lines.values()}) == 4


def test_hostile_titles_stay_literal_in_every_figure(hostile: RunView) -> None:
    for name, chart in charts(hostile):
        data = json.dumps(chart.figure.to_plotly_json(), default=str, ensure_ascii=False)
        for tag in ("<img", "<b>", "<a "):
            assert tag not in data, name
        for trace in chart.figure.data:
            template = trace.hovertemplate or ""
            assert not any(title in template for title in fixtures.HOSTILE_TITLES), name
    strip = dict(charts(hostile))["strip"]
    assert "&lt;" in json.dumps(strip.figure.to_plotly_json(), default=str)


def test_strip_bars_are_the_probabilities_and_fill_the_whole(view: RunView) -> None:
    frame = sequences.positions(view.synthetic, 2, view.vocab, 3)
    figure = sequence_charts.strip(frame, 3, 12).figure
    bars = [trace for trace in figure.data if trace.xaxis == "x"]
    total = [sum(float(trace.x[position]) for trace in bars) for position in range(5)]
    assert total == pytest.approx([1] * 5)
    assert bars[0].x.tolist() == frame[frame["rank"] == 1]["probability"].tolist()
    entropy = next(trace for trace in figure.data if trace.xaxis == "x2")
    assert entropy.x.tolist() == frame[frame["rank"] == 1]["entropy"].tolist()


def test_an_item_has_one_colour_along_the_strip(view: RunView) -> None:
    frame = sequences.positions(view.synthetic, 1, view.vocab, 4)
    figure = sequence_charts.strip(frame, 2, 12).figure
    seen: dict[str, set[str]] = {}
    for trace in figure.data:
        if trace.customdata is not None:
            for (title, _, _), color in zip(trace.customdata, trace.marker.color, strict=True):
                seen.setdefault(title, set()).add(color)
    assert all(len(colors) == 1 for colors in seen.values())
    assert len(seen) > 4


def test_histogram_shares_are_counted_around_the_possible_distances() -> None:
    distances = {"argmax": [0.0, 0.2, 0.2, 1.0], "synthetic": [0.29, 0.31, 0.5, 0.99], "heldout": [0.4, 0.4]}
    figure = sequence_charts.memorisation_chart(distances, 5).figure
    argmax, soft, held = (dict(zip([round(x, 1) for x in trace.x], trace.y, strict=True)) for trace in figure.data)
    assert {x: y for x, y in argmax.items() if y} == {0.0: 0.25, 0.2: 0.5, 1.0: 0.25}
    assert {x: y for x, y in soft.items() if y} == {0.2: 0.25, 0.4: 0.25, 0.6: 0.25, 1.0: 0.25}
    assert {x: y for x, y in held.items() if y} == {0.4: 1.0}


def test_of_sequences_that_are_read_in_parts_the_parts_are_counted() -> None:
    told = {"argmax": [0.0, 0.2, 0.4], "synthetic": [0.1], "heldout": [0.6, 0.0], "length": 5}
    assert "1 of 3 decoded synthetic stretches of 5 positions are" in sequence_charts.memorisation_reading(told, 20)
    assert "1 of 3 decoded synthetic sequences are" in sequence_charts.memorisation_reading(told, 5)
    figure = sequence_charts.memorisation_chart(told, 20).figure
    assert figure.layout.xaxis.title.text == "Distance (share of 5 positions that differ)"
    assert figure.layout.yaxis.title.text == "Share of stretches of 5 positions"


def test_reading_names_copies_and_says_which_side_is_nearer() -> None:
    said = sequence_charts.memorisation_reading({"argmax": [0.0, 0.2, 0.4], "heldout": [0.6, 0.0]}, 5)
    assert "1 of 3 decoded synthetic sequences are verbatim copies" in said
    assert "1 of 2 also occur in training" in said
    assert "nearer to the training data than held-out people are (distance 0.20 against 0.30)" in said
    assert "There is no reference" in sequence_charts.memorisation_reading({"argmax": [0.1], "heldout": []}, 5)
    assert sequence_charts.memorisation_reading({}, 5) == "No distances were computed for this run."


def test_curves_of_a_run_that_has_not_begun_are_absent() -> None:
    assert progress.loss([], META) is progress.gradient([]) is progress.validation([]) is None


def test_rollbacks_are_marked_on_the_gradient_curve() -> None:
    chart = progress.gradient(fixtures.events())
    assert chart is not None
    assert [shape.x0 for shape in chart.figure.layout.shapes] == [12.0]
    assert "roll-backs (1)" in chart.alt


def test_running_mean_is_the_mean_of_the_last_steps() -> None:
    events = [
        {"event": "step", "step": one, "loss": float(one % 7), "grad_norm": 1.0, "elapsed": one}
        for one in range(1, 101)
    ]
    chart = progress.loss(events, META)
    assert chart is not None
    raw, smooth = chart.figure.data
    assert smooth.name == "mean of 5 steps"
    assert smooth.y[49] == pytest.approx(sum(raw.y[45:50]) / 5)


def test_long_curves_are_thinned_but_keep_first_and_last() -> None:
    events = [{"event": "step", "step": one, "loss": 1.0, "grad_norm": 1.0, "elapsed": one} for one in range(1, 5001)]
    chart = progress.loss(events, META)
    assert chart is not None
    assert len(chart.figure.data[0].x) == progress.MAX_POINTS
    assert (chart.figure.data[0].x[0], chart.figure.data[0].x[-1]) == (1, 5000)


def test_the_curve_says_what_its_objective_makes_smaller() -> None:
    objectives = [*(ObjectiveConfig(kind=kind) for kind in get_args(ObjectiveKind)), ObjectiveConfig(teachers=7)]
    charts = [progress.loss(fixtures.events(), one) for one in objectives]
    titles = [chart.figure.layout.yaxis.title.text for chart in charts if chart]
    assert titles == [
        "Outer loss (nats an event)",
        "Gradient distance (1 - cosine)",
        "Trajectory distance (squared, 1 at the start)",
        "Outer loss (nats an event)",
    ]
    captions = [chart.caption for chart in charts if chart]
    assert len(set(captions)) == 4
    assert "what models of the full data (7) expect" in captions[-1]
    matching = progress.loss(fixtures.events(), ObjectiveConfig(kind="gradient", teachers=7))
    assert matching is not None
    assert matching.caption == captions[1], "gradient matching has no teachers"


def test_the_mean_of_snapshots_is_a_mark_of_its_own() -> None:
    events = [*fixtures.events(), {"event": "average", "step": 60, "snapshots": 3, "hr@10": 0.5, "best": True}]
    chart = progress.validation(events)
    assert chart is not None
    mark = next(trace for trace in chart.figure.data if trace.name == "mean of 3 snapshots")
    assert (list(mark.x), list(mark.y)) == ([60], [0.5])


@pytest.mark.parametrize(
    ("task", "said"),
    [("recommendation", "the highest mean of all five metrics"), ("language", "the lowest loss on validation tokens")],
)
def test_the_caption_says_by_what_data_are_kept(task: Task, said: str) -> None:
    """What `Measures.selection` prefers, shown on two students of which the other is better by most metrics."""
    loser = {metric: (1.0 if metric.lower_is_better else 0.5) for metric in METRICS[task]}
    winner = {metric: (2.0 if metric.lower_is_better else 0.4) for metric in METRICS[task]}
    winner |= {Metric.LOSS: 0.9} if task == "language" else {Metric.HR100: 1.0}
    assert MEASURES[task].selection(winner) > MEASURES[task].selection(loser)
    lines = [{"event": "validation", "step": 50, "best": True} | {metric.value: winner[metric] for metric in winner}]
    chart = progress.validation(lines)
    assert chart is not None
    assert said in chart.caption


@pytest.mark.parametrize(("won", "kept"), [(True, 60), (False, 50)])
def test_the_star_stands_on_what_is_kept_be_it_a_snapshot_or_a_mean(won: bool, kept: int) -> None:
    snapshots = [{"event": "validation", "step": step, "hr@10": step / 100, "best": step < 60} for step in (50, 60)]
    chart = progress.validation(
        [*snapshots, {"event": "average", "step": 60, "snapshots": 2, "hr@10": 0.8, "best": won}]
    )
    assert chart is not None
    star = next(trace for trace in chart.figure.data if trace.name == "best so far, kept")
    assert (list(star.x), list(star.y)) == ([kept], [0.8 if won else 0.5])
