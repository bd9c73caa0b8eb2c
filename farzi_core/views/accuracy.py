"""How well students do: curves while they train, and the final table with what it allows one to say.

Curves are on validation users, the final table on test users; both say how many. Intervals are 95 %. `d - row` is the
difference distilled minus row in points (1 point = 0.01), with its paired interval over test users.
"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from farzi_core.evaluation.report import KIND_LABELS, LABELS, Evaluation, Interval, Metric, Row, RowName, scale, shown
from farzi_core.sections import SyntheticConfig
from farzi_core.views import theme
from farzi_core.views.progress import METRIC_LABELS, people
from farzi_core.views.terms import TERMS
from farzi_core.views.theme import Chart

METRIC_MEANING = {
    Metric.HR10: "HR@10: share of test users whose next item is among the first 10 of the ranking.",
    Metric.HR100: "HR@100: share of test users whose next item is among the first 100 of the ranking.",
    Metric.NDCG10: "nDCG@10: as HR@10, but a hit at rank r counts 1 / log2(r + 1): higher places count more.",
    Metric.NDCG100: "nDCG@100: as HR@100, but a hit at rank r counts 1 / log2(r + 1): higher places count more.",
    Metric.AUC: "AUC: share of all other items that are ranked below the next item, averaged over test users.",
    Metric.ACCURACY: "Accuracy: share of the tokens of test sentences that the model puts first.",
    Metric.KNOWN_ACCURACY: "Accuracy without <unk>: the same, without the tokens that are outside the vocabulary.",
    Metric.PPL: "PPL: perplexity of each test sentence, averaged as in the paper; lower is better. A short surprising "
    "sentence weighs as much as a long one.",
    Metric.TOKEN_PPL: "PPL of tokens: exponential of the loss; lower is better. As if one of that many tokens were "
    "drawn each time.",
    Metric.LOSS: "Loss: nats a token of test sentences; lower is better.",
}


def curve_table(curves: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """row, step, mean, low, high, students: mean and range over the students (seeds) that reached the step."""
    chosen = curves[curves["metric"] == metric.value]
    grouped = chosen.groupby(["row", "step"], sort=True)["value"].agg(["mean", "min", "max", "count"]).reset_index()
    return grouped.rename(columns={"min": "low", "max": "high", "count": "students"})


def curve_chart(curves: pd.DataFrame, metric: Metric, report: Evaluation) -> Chart:
    """The metric on validation users against the student's training step: mean line, band from worst to best seed."""
    table, label = curve_table(curves, metric), METRIC_LABELS[metric]
    figure, said = go.Figure(), []
    for name, style in theme.STYLES.items():
        part = table[table["row"] == name.value]
        if part.empty:
            continue
        figure.add_trace(_band(part, style))
        figure.add_trace(_line(part, style, metric))
        said.append(f"{style.label} ends at {shown(metric, part['mean'].iloc[-1])}")
    figure.update_xaxes(rangemode="tozero")
    theme.layout(
        figure, x="Training steps of the student", height=420, y=_axis(metric, "validation", report.validation_users)
    )
    figure.update_yaxes(tickformat=_tick(metric), rangemode="tozero" if metric.is_fraction else "normal")
    caption = (
        "Every student starts from random weights. Lines are means over students, bands reach from the worst to the "
        f"best. For the final table, validation {people(metric)} choose each student's step: a later fall is free."
    )
    return Chart(figure, f"{label} against training steps. {'; '.join(said) or 'No curve yet'}.", caption)


def final_table(report: Evaluation, metric: Metric) -> pd.DataFrame:
    """One row a training set. Fractions are in percent, their differences in points; other metrics as they are.

    Columns: row, sequences, percent_of_sequences, events, mean, low, high, percent_of_full, difference (d - row),
    difference_low, difference_high, verdict, seeds, spread (largest minus smallest seed, points), steps, seconds.
    """
    return pd.DataFrame([_table_line(report, row, metric) for row in report.rows])


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """`final_table` for the screen: intervals as words, and nothing where a row is compared with itself."""
    lines = list(table.itertuples())
    interval = [f"{one.low:.1f} to {one.high:.1f}" for one in lines]
    gaps = [
        f"{one.difference:+.1f} ({one.difference_low:+.1f} to {one.difference_high:+.1f})" if one.verdict else ""
        for one in lines
    ]
    order = ["row", "sequences", "percent_of_sequences", "events", "mean", "interval", "percent_of_full"]
    order += ["difference", "verdict", "seeds", "spread", "steps", "seconds"]
    return table.assign(interval=interval, difference=gaps)[order]


def seeds_table(report: Evaluation) -> pd.DataFrame:
    """Every student of every architecture: row, seed (from 1), each metric, fractions in percent, and, where weight
    decays were tried, the multiple that was chosen (none for full data and rules)."""
    lines = [
        {
            "row": label,
            "seed": number,
            **{METRIC_LABELS[one]: scale(one) * values[one] for one in report.metrics},
            "decay": row.decays[number - 1] if row.decays else np.nan,
        }
        for label, row in report.labelled
        for number, values in enumerate(row.seeds, start=1)
    ]
    table = pd.DataFrame(lines)
    return table if report.chosen_decay else table.drop(columns="decay")


def seeds_chart(report: Evaluation, metric: Metric) -> Chart:
    """Mean with its interval and every seed as a dot, one line a row."""
    label, figure = METRIC_LABELS[metric], go.Figure()
    for row in report.rows:
        style, mean, interval = theme.STYLES[row.name], row.mean[metric], row.interval[metric]
        seeds = [one[metric] for one in row.seeds]
        figure.add_scatter(
            x=seeds,
            y=[style.label] * len(seeds),
            mode="markers",
            showlegend=False,
            marker={"symbol": "line-ns-open", "size": 14, "color": style.color, "line": {"width": 1.5}},
            hovertemplate=f"one student: %{{x:{_spot(metric)}}}<extra></extra>",
        )
        figure.add_scatter(
            x=[mean],
            y=[style.label],
            mode="markers",
            showlegend=False,
            marker={"symbol": style.symbol, "size": 11, "color": style.color},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [interval.high - mean],
                "arrayminus": [mean - interval.low],
                "color": style.color,
                "thickness": 2,
            },
            hovertemplate=f"{style.label}<br>mean %{{x:{_spot(metric)}}}<br>95 % interval "
            f"{shown(metric, interval.low)} to {shown(metric, interval.high)}<extra></extra>",
        )
    theme.layout(figure, x=_axis(metric, "test", report.test_users), y="Trained on", height=90 + 46 * len(report.rows))
    figure.update_xaxes(tickformat=_tick(metric))
    figure.update_yaxes(autorange="reversed", type="category")
    said = "; ".join(f"{LABELS[row.name]} {shown(metric, row.mean[metric])}" for row in report.rows)
    caption = (
        f"Symbol: mean over students; line: 95 % interval of that mean (bootstrap over test {people(metric)}); ticks: "
        f"single students. {_rules(report)} are rules without training."
    )
    return Chart(figure, f"{label} on {report.test_users:,} test {people(metric)}: {said}.", caption)


def reading(report: Evaluation, metric: Metric) -> list[str]:
    """The table in sentences: what the distilled set reaches, and which differences are beyond chance."""
    distilled, full = report.row(RowName.DISTILLED), report.row(RowName.FULL)
    if distilled is None:
        return ["This run has no distilled row: its evaluation did not finish."]
    label = METRIC_LABELS[metric]
    said = [f"Students trained on the distilled set reach {label} {shown(metric, distilled.mean[metric])}."]
    if full is not None:
        said[0] = said[0][:-1] + (
            f", that is {distilled.percent_of_full[metric]:.1f} % of what full data reach "
            f"({shown(metric, full.mean[metric])})."
        )
    return said + [_comparison(row, metric) for row in report.rows if metric in row.minus_distilled]


def sizes(report: Evaluation, synthetic: SyntheticConfig) -> str:
    """What the synthetic data weigh, counted both ways."""
    called, mu, xi = TERMS[report.task], synthetic.mu, synthetic.xi
    labels = " with labels of their own" if synthetic.labelled else ""
    return (
        f"{mu:,} × {xi:,}: {mu:,} synthetic {called.sequences} of {xi:,} {called.events} each{labels}, "
        f"{mu / report.full_sequences:.2%} of the {report.full_sequences:,} training {called.sequences}. Stored: "
        f"{report.stored_numbers:,} numbers (Z and M) against {report.full_events:,} training {called.events} "
        f"({report.stored_numbers / report.full_events:.1%})."
    )


def protocol(report: Evaluation) -> str:
    """The conditions every figure of the table was made under."""
    if report.task == "language":
        return (
            f"{report.test_users:,} test sentences, every token predicted from those before it in its sentence. "
            f"{report.seeds} fresh students a row; {report.validation_users:,} validation sentences choose the "
            f"training step.{report.chosen_decay} No sentence is in two parts."
        )
    masked = "are removed from" if report.masked_seen else "stay in"
    return (
        f"{report.test_users:,} test users whose last event is the target, ranked over the whole catalogue without "
        f"sampling; items of the user's past {masked} the ranking. {report.seeds} fresh students a row, all "
        f"{KIND_LABELS[report.student]}; {report.validation_users:,} validation users choose the training step."
        f"{report.chosen_decay} No user is in two parts."
    )


def _comparison(row: Row, metric: Metric) -> str:
    gap = row.minus_distilled[metric]
    name = LABELS[row.name]
    low, high, unit = scale(metric) * gap.low, scale(metric) * gap.high, " points" if metric.is_fraction else ""
    interval = f"the 95 % interval of the difference, {low:+.1f} to {high:+.1f}{unit},"
    side = "above" if gap.low > 0 else "below"
    match verdict(gap, metric):
        case "better":
            return f"Distilled is better than {name}: {interval} lies {side} zero."
        case "worse":
            return f"Distilled is worse than {name}: {interval} lies {side} zero."
        case _:
            return f"Distilled and {name} cannot be told apart here: {interval} has zero inside."


def verdict(gap: Interval, metric: Metric) -> str:
    """Distilled against a row: `better`, `worse`, or `unclear` where zero is inside the interval."""
    if gap.low <= 0 <= gap.high:
        return "unclear"
    return "better" if (gap.high < 0) == metric.lower_is_better else "worse"


def _table_line(report: Evaluation, row: Row, metric: Metric) -> dict[str, object]:
    distilled, gap, unit = report.row(RowName.DISTILLED), row.minus_distilled.get(metric), scale(metric)
    seeds = [one[metric] for one in row.seeds]
    compared = distilled is not None and gap is not None
    return {
        "row": LABELS[row.name],
        "sequences": row.sequences,
        "percent_of_sequences": 100 * row.sequences / report.full_sequences,
        "events": row.events,
        "mean": unit * row.mean[metric],
        "low": unit * row.interval[metric].low,
        "high": unit * row.interval[metric].high,
        "percent_of_full": row.percent_of_full[metric],
        "difference": unit * (distilled.mean[metric] - row.mean[metric]) if distilled and compared else np.nan,
        "difference_low": unit * gap.low if gap else np.nan,
        "difference_high": unit * gap.high if gap else np.nan,
        "verdict": verdict(gap, metric) if gap else "",
        "seeds": len(seeds),
        "spread": unit * (max(seeds) - min(seeds)),
        "steps": row.steps,
        "seconds": row.seconds,
    }


def _axis(metric: Metric, part: str, users: int) -> str:
    better = " (lower is better)" if metric.lower_is_better else ""
    return f"{METRIC_LABELS[metric]}{better}, {part} {people(metric)} (n = {users:,})"


def _tick(metric: Metric) -> str:
    return ".0%" if metric.is_fraction else "~g"


def _spot(metric: Metric) -> str:
    return ".2%" if metric.is_fraction else ".2f"


def _rules(report: Evaluation) -> str:
    """The rows that nothing was trained for, in words."""
    return " and ".join(LABELS[row.name] for row in report.rows if row.sequences == 0)


def _band(part: pd.DataFrame, style: theme.Style) -> go.Scatter:
    return go.Scatter(
        x=np.concatenate([part["step"], part["step"][::-1]]),
        y=np.concatenate([part["high"], part["low"][::-1]]),
        fill="toself",
        fillcolor=theme.translucent(style.color, 0.18),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=style.label,
    )


def _line(part: pd.DataFrame, style: theme.Style, metric: Metric) -> go.Scatter:
    students = int(part["students"].max())
    return go.Scatter(
        x=part["step"],
        y=part["mean"],
        mode="lines+markers",
        name=f"{style.label} (n = {students} students)",
        legendgroup=style.label,
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={"symbol": style.symbol, "size": 7},
        customdata=part[["low", "high"]].to_numpy(),
        hovertemplate=f"{style.label}, step %{{x}}<br>mean %{{y:{_spot(metric)}}}<br>"
        f"students %{{customdata[0]:{_spot(metric)}}} to %{{customdata[1]:{_spot(metric)}}}<extra></extra>",
    )
