"""A data set in pictures and tables: lengths, popularity, how much order matters, examples, the account of reading."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from farzi_core.data.dataset import Task
from farzi_core.data.events import Finding, IngestReport
from farzi_core.data.ingest import Preview
from farzi_core.data.profile import Example, Lengths, OrderMatters, PopularityPoint, TimeSpan
from farzi_core.data.text import TextPreview
from farzi_core.views import terms, text, theme
from farzi_core.views.terms import Terms
from farzi_core.views.theme import Chart

HEIGHT = 300  # pixels of each chart


def lengths(found: Lengths, called: Terms = terms.EVENTS) -> Chart:
    """Histogram of events a sequence (tokens a sentence)."""
    names = [_bin(low, high - 1) for low, high in zip(found.edges, found.edges[1:], strict=False)]
    figure = go.Figure()
    figure.add_bar(
        x=names,
        y=found.counts,
        marker_color=theme.CATEGORICAL[0],
        hovertemplate=f"%{{x}} {called.events}<br>%{{y:,}} {called.sequences}<extra></extra>",
    )
    total = sum(found.counts)
    across, up = f"{called.events} in a {called.sequence}".capitalize(), called.sequences.capitalize()
    theme.layout(figure, x=across, y=f"{up} (n = {total:,})", height=HEIGHT, showlegend=False)
    figure.update_xaxes(type="category")
    alt = (
        f"Histogram of {called.sequence} lengths: from {found.least:,} to {found.most:,} {called.events}, "
        f"median {found.median:g}, mean {found.mean:.1f}, {total:,} {called.sequences}."
    )
    caption = (
        f"Median {found.median:g}, mean {found.mean:.1f}, longest {found.most:,}. The last bar holds all longer ones."
    )
    return Chart(figure, alt, caption)


def popularity(points: Sequence[PopularityPoint], events: int) -> Chart:
    """Share of all events that the k most frequent items make up."""
    figure = go.Figure()
    figure.add_scatter(
        x=[point.rank for point in points],
        y=[100 * point.share for point in points],
        mode="lines",
        line={"color": theme.CATEGORICAL[1], "width": 2.5},
        hovertemplate="the %{x:,} most frequent items<br>%{y:.1f} % of events<extra></extra>",
    )
    theme.layout(
        figure,
        x="Most frequent items (log scale)",
        y=f"% of {events:,} events",
        height=HEIGHT,
        showlegend=False,
    )
    figure.update_xaxes(type="log", dtick=1)
    figure.update_yaxes(range=[0, 102])
    half = next(point.rank for point in points if point.share >= 0.5)
    sentence = f"{half:,} of {points[-1].rank:,} items make up half of all events"
    return Chart(figure, f"Curve of popularity: {sentence}.", f"{sentence}. A steep start means a few items rule.")


def zipf(points: Sequence[PopularityPoint], unknown: float | None) -> Chart:
    """Occurrences of the word at each rank, both axes logarithmic: a straight line is Zipf's law."""
    figure = go.Figure()
    figure.add_scatter(
        x=[point.rank for point in points],
        y=[point.events for point in points],
        mode="lines",
        line={"color": theme.CATEGORICAL[2], "width": 2.5},
        hovertemplate="word number %{x:,}<br>%{y:,} times<extra></extra>",
    )
    theme.layout(figure, x="Rank of the word (log scale)", y="Occurrences (log scale)", height=HEIGHT, showlegend=False)
    figure.update_xaxes(type="log", dtick=1)
    figure.update_yaxes(type="log", dtick=1)
    places = points[-1].rank
    share = f" Of the tokens, {unknown:.1%} are <unk>: in no vocabulary of {places:,}." if unknown is not None else ""
    first, last = points[0].events, points[-1].events
    sentence = f"From {first:,} times for the most frequent word to {last:,} for the rarest of {places:,}"
    return Chart(figure, f"Zipf's curve: {sentence}.", f"{sentence}. A straight fall is Zipf's law.{share}")


def order(found: OrderMatters, called: Terms = terms.EVENTS) -> Chart:
    """HR@10 of most popular and Markov side by side."""
    values = {"Most popular": found.popular, "Markov": found.markov}
    figure = go.Figure()
    figure.add_bar(
        x=[100 * value for value in values.values()],
        y=list(values),
        orientation="h",
        marker_color=[theme.CATEGORICAL[3], theme.CATEGORICAL[4]],
        text=[f"{100 * value:.1f} %" for value in values.values()],
        textposition="outside",
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )
    axis = f"HR@10 (%), {found.users:,} {called.users}"
    theme.layout(figure, x=axis, y="", height=HEIGHT, showlegend=False)
    figure.update_xaxes(range=[0, 100])
    return Chart(figure, f"HR@10 without learning: {_order_words(found, called)}", _order_verdict(found, called))


def _order_words(found: OrderMatters, called: Terms) -> str:
    return f"most popular {found.popular:.1%}, Markov {found.markov:.1%}, {found.users:,} test {called.users}."


def _order_verdict(found: OrderMatters, called: Terms) -> str:
    """What the two numbers mean for someone who wants to distil sequences."""
    gain = found.markov - found.popular
    repeats = f" {found.repeats:.0%} of test {called.users} end on one of their own earlier {called.items}."
    if gain > 0.05:
        return f"Knowing only the last {called.event} adds {100 * gain:.0f} points: order matters here.{repeats}"
    if gain > 0.01:
        return f"Knowing only the last {called.event} adds {100 * gain:.1f} points: order matters a little.{repeats}"
    return f"Knowing the last {called.event} adds nothing: as far as this test sees, order hardly matters.{repeats}"


def time_words(span: TimeSpan | None) -> str:
    """One sentence on when the events happened and how many share a time."""
    if span is None:
        return ""
    tied = f"{span.tied:.0%} of neighbouring events share one time, so their order is the file's."
    if span.first_date is None:
        return f"Times are order numbers from {span.first:g} to {span.last:g}. {tied if span.tied else ''}".strip()
    return f"Events from {span.first_date} to {span.last_date}. {tied if span.tied else ''}".strip()


def examples(found: Sequence[Example], called: Terms = terms.EVENTS) -> pd.DataFrame:
    """One row a sequence: user, number of events, its first items by title."""
    size = called.events.capitalize()
    rows = [
        {
            called.sequence.capitalize(): text.visible(one.user),
            size: one.events,
            f"First {called.events}": [text.visible(title) for title in one.titles],
        }
        for one in found
    ]
    return pd.DataFrame(rows)


def read_words(report: IngestReport, task: Task = "recommendation") -> str:
    """What was read, in one sentence; foreign text."""
    where = text.visible(report.file) + ("" if report.format == "built-in" else f" as {report.format}")
    if task == "language":
        return f"Read {where}: {report.users:,} sentences, {report.events:,} words, {report.items:,} different ones."
    return (
        f"Read {report.rows:,} rows of {where}: {report.events:,} events in {report.users:,} sequences, "
        f"{report.items:,} different items."
    )


def finding_words(found: Finding) -> str:
    """One line of a list; foreign text. The sentence itself says how many it touches."""
    sentence = text.visible(found.sentence)
    return f"· {sentence[:1].upper()}{sentence[1:].rstrip('.')}."


def first_rows(preview: Preview) -> pd.DataFrame:
    """The first rows as read, every cell a string."""
    cells = [[text.visible(cell) for cell in row] for row in preview.rows]
    return pd.DataFrame(cells, columns=[text.visible(name) for name in preview.columns], dtype="str")


def first_sentences(preview: TextPreview) -> pd.DataFrame:
    """The first sentences as read, numbered from 1."""
    shown = [text.visible(one) for one in preview.sentences]
    return pd.DataFrame({"No.": range(1, len(shown) + 1), "Sentence": pd.Series(shown, dtype="str")})


def text_words(preview: TextPreview) -> str:
    """How a text is read, in words; foreign text."""
    parts = [preview.layout, f"tokens: {preview.tokeniser}, unless a run says otherwise"]
    if len(preview.files) > 1:
        parts.append(f"files: {', '.join(preview.files)}")
    if preview.parts:
        parts.append(f"brings its own split: {', '.join(preview.parts)}")
    return " · ".join(parts)


def _bin(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"
