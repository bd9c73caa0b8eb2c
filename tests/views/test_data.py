"""Pictures of a data set: the numbers are those of the profile, axes and alt texts say what they show."""

import numpy as np
import pytest

from farzi_core.data.events import Finding, IngestReport
from farzi_core.data.ingest import Preview
from farzi_core.data.mapping import Guess, Mapping
from farzi_core.data.profile import Example, Lengths, OrderMatters, PopularityPoint, TimeSpan
from farzi_core.views import data

LENGTHS = Lengths(least=3, median=4.0, mean=5.5, most=40, edges=(3, 4, 5, 41), counts=(10, 5, 2))
ORDER = OrderMatters(popular=0.25, markov=0.5, users=100, repeats=0.1)


def test_the_histogram_counts_every_sequence_once() -> None:
    chart = data.lengths(LENGTHS)
    (bars,) = chart.figure.data
    assert list(bars.x) == ["3", "4", "5-40"]
    assert sum(bars.y) == 17
    assert "n = 17" in chart.figure.layout.yaxis.title.text
    assert "from 3 to 40" in chart.alt


def test_the_popularity_curve_names_where_half_of_the_events_are() -> None:
    points = [
        PopularityPoint(rank=rank, share=share, events=events)
        for rank, share, events in ((1, 0.3, 30), (2, 0.55, 25), (10, 1.0, 2))
    ]
    chart = data.popularity(points, 1000)
    assert list(chart.figure.data[0].y) == pytest.approx([30, 55, 100])
    assert "2 of 10 items make up half" in chart.alt


@pytest.mark.parametrize(
    ("markov", "said"),
    [(0.5, "25 points: order matters here"), (0.27, "order matters a little"), (0.25, "hardly matters")],
)
def test_the_verdict_on_order_follows_from_the_two_numbers(markov: float, said: str) -> None:
    chart = data.order(ORDER.model_copy(update={"markov": markov}))
    assert list(chart.figure.data[0].x) == pytest.approx([25, 100 * markov])
    assert said in chart.caption
    assert "100 users" in chart.figure.layout.xaxis.title.text


def test_time_is_said_as_dates_only_where_it_is_one() -> None:
    dated = TimeSpan(first=0, last=1, first_date="2008-04-01", last_date="2008-08-13", tied=0.25)
    assert data.time_words(dated).startswith("Events from 2008-04-01 to 2008-08-13. 25% of neighbouring events")
    numbered = TimeSpan(first=1, last=195, first_date=None, last_date=None, tied=0)
    assert data.time_words(numbered) == "Times are order numbers from 1 to 195."
    assert data.time_words(None) == ""


def test_foreign_text_stays_on_one_line() -> None:
    report = IngestReport(file="a\nb\u202e.csv", format="CSV", rows=3, events=2, users=1, items=1)
    assert data.read_words(report) == (
        "Read 3 rows of a\ufffdb\ufffd.csv as CSV: 2 events in 1 sequences, 1 different items."
    )
    finding = Finding(kind="x", count=1, sentence="one \x00 thing.")
    assert data.finding_words(finding) == "· One \ufffd thing."
    frame = data.examples([Example(user="u\n1", titles=("a\tb",), events=3)])
    assert frame.loc[0].tolist() == ["u\ufffd1", 3, ["a\ufffdb"]]


def test_first_rows_are_shown_as_they_are_read() -> None:
    preview = Preview(
        filename="x.csv",
        format="CSV",
        columns=("id", "n"),
        rows=(("007", "NA"), ("=1+1", "")),
        delimiter=",",
        encoding="utf-8",
        header=True,
        guess=Guess(mapping=Mapping(), confidence="none", reason=""),
        has_titles=False,
        notes=(),
    )
    frame = data.first_rows(preview)
    assert frame.to_numpy().tolist() == [["007", "NA"], ["=1+1", ""]]
    assert not np.issubdtype(frame["n"].to_numpy().dtype, np.number)


def test_zipf_s_curve_says_from_where_to_where_and_how_much_is_unknown() -> None:
    points = [PopularityPoint(rank=1, share=0.6, events=600), PopularityPoint(rank=90, share=1.0, events=2)]
    chart = data.zipf(points, 0.188)
    assert "From 600 times for the most frequent word to 2 for the rarest of 90" in chart.alt
    assert "Of the tokens, 18.8% are <unk>: in no vocabulary of 90" in chart.caption
    assert "<unk>" not in data.zipf(points, None).caption
