"""A finished run as one HTML file: nothing is loaded from anywhere, no script runs, every foreign text is escaped."""

import html
from collections.abc import Iterable, Sequence

from farzi_core.evaluation.report import LABELS, METRIC_LABELS, Evaluation, RowName, metrics_in, shown
from farzi_core.views import accuracy, reading, sequence_charts, sequences, text
from farzi_core.views import runs as views
from farzi_core.views.load import MEMORISATION, RunView
from farzi_core.views.progress import validations
from farzi_core.views.terms import TERMS
from farzi_core.views.theme import STYLES

SEQUENCES = 10  # shown; the app has all
WIDTH, HEIGHT, LEFT, BASE = 640, 240, 56, 204  # of the drawing, and where its axes lie
# Rules of thumb, in percent of full data's first metric (HR@10; of texts accuracy); the table says which one is met.
PROTOTYPE, CHOOSE, REPLACE = 80.0, 90.0, 99.0

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { padding: .3rem .7rem; text-align: right;
  border-bottom: 1px solid #7a7f87; }
th:first-child, td:first-child { text-align: left; } .scroll { overflow-x: auto; }
aside { border-left: 4px solid #2a7fc1; padding: .2rem 1rem; margin: 1rem 0; } pre { white-space: pre-wrap; }
svg { max-width: 100%; height: auto; } svg text { fill: currentColor; font-size: 12px; }
"""


def report(view: RunView, title: str, events: Sequence[views.Event]) -> bytes:
    """The page of a run that has its final table; raises `StoreError` where it has none."""
    table, synthetic = view.evaluation, view.synthetic
    first = table.metrics[0]
    read = (
        " It is what students read; what they are to predict there is another distribution." if synthetic.wanted else ""
    )
    sentences = accuracy.reading(table, first)
    decoded = sequences.join(sequences.decode_argmax(synthetic)[:SEQUENCES], reading.of_run(view))
    parts = [
        f"<h1>{_safe(title)}</h1><p>{_safe(accuracy.sizes(table, view.config.synthetic))}</p>",
        "<h2>What it reaches</h2>" + _list(sentences) + _box(accuracy.METRIC_MEANING[first]),
        "<h2>Is this good enough for ...?</h2>" + _uses(table),
        "<h2>Final table</h2>" + _final(table) + _box(accuracy.protocol(table)),
        "<h2>While it was distilled</h2>" + _curve(events),
        f"<h2>The first {len(decoded)} synthetic sequences</h2>"
        + _list(decoded, "ol")
        + _box(f"A position is a distribution over items; its most probable item is written here.{read}"),
        "<h2>Are they copies?</h2>" + _copies(view),
        f"<h2>Settings</h2><pre>{_safe_lines(view.config.model_dump_json(indent=1))}</pre>",
    ]
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width"><title>{_safe(title)}</title>'
        f"<style>{_STYLE}</style></head>"
    )
    return f"{head}<body><main>{''.join(parts)}</main></body></html>\n".encode()


def uses(table: Evaluation) -> list[tuple[str, str, str]]:
    """(use, yes, no or unclear, why) by rules of thumb on the first metric and the comparison with random users."""
    metric, distilled = table.metrics[0], table.row(RowName.DISTILLED)
    rival = table.row(RowName.RANDOM) or table.row(RowName.RANDOM_SENTENCES)
    if distilled is None:
        return []
    share, label = distilled.percent_of_full.get(metric, 0.0), METRIC_LABELS[metric]
    gap = rival.minus_distilled.get(metric) if rival else None
    beats = {"better": "yes", "worse": "no"}.get(accuracy.verdict(gap, metric), "unclear") if gap else "unclear"
    reached = f"{share:.1f} % of full data's {label}; the rule of thumb is"
    return [
        ("Better than as much random data", beats, f"95 % interval of the paired difference, {label}"),
        ("Teaching, demos, unit tests", _yes(share >= PROTOTYPE), f"{reached} {PROTOTYPE:.0f} %"),
        (
            "Trying out models and settings",
            _yes(share >= CHOOSE),
            f"{reached} {CHOOSE:.0f} %; check the ranking of models",
        ),
        ("Replacing the data in production", _yes(share >= REPLACE), f"{reached} {REPLACE:.0f} %"),
        ("Publishing instead of private data", "no", "Nothing here is a privacy guarantee; see the copies below"),
    ]


def _uses(table: Evaluation) -> str:
    return _table(("Use", "Good enough?", "Why"), uses(table))


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def _final(table: Evaluation) -> str:
    names = [METRIC_LABELS[metric] for metric in table.metrics]
    rows = [
        (LABELS[row.name], f"{row.sequences:,}", *(shown(metric, row.mean[metric]) for metric in table.metrics))
        for row in table.rows
    ]
    return _table(("Trained on", "Sequences", *names), rows)


def _curve(events: Sequence[views.Event]) -> str:
    """The first metric of fresh students on validation data against the outer step, as SVG."""
    frame = validations(events)
    if len(frame) < 2:
        return "<p>This run was validated fewer than two times.</p>"
    metric = metrics_in(frame.columns)[0]
    steps, values = frame["step"].astype(float), frame[metric.value].astype(float)
    first, last, top = steps.min(), max(steps.max(), steps.min() + 1), max(float(values.max()), 1e-9)
    wide, tall = WIDTH - LEFT - 16, BASE - 20
    points = " ".join(
        f"{LEFT + wide * (x - first) / (last - first):.1f},{BASE - tall * y / top:.1f}"
        for x, y in zip(steps, values, strict=True)
    )
    color = STYLES[RowName.DISTILLED].color
    begun, ended, best = (shown(metric, float(value)) for value in (values.iloc[0], values.iloc[-1], values.max()))
    said = f"{METRIC_LABELS[metric]} on validation data from {begun} to {ended}; highest {best}."
    return (
        f'<svg role="img" aria-label="{_safe(said)}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}">'
        f'<path d="M{LEFT} 20V{BASE}H{WIDTH - 16}" fill="none" stroke="#7a7f87"/>'
        f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5"/>'
        f'<text x="0" y="24">{shown(metric, top)}</text><text x="0" y="{BASE}">0 %</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 12}">outer step {first:.0f}</text>'
        f'<text x="{WIDTH - 16}" y="{HEIGHT - 12}" text-anchor="end">outer step {last:.0f}</text></svg>'
        + _box(f"{said} The best snapshot is kept, not the last.")
    )


def _copies(view: RunView) -> str:
    if not view.has(MEMORISATION):
        return "<p>No distances were computed for this run.</p>"
    begun = f"{sequences.EXCERPTS} " if view.config.excerpts else ""
    said = sequence_charts.memorisation_reading(view.memorisation, view.synthetic.xi, TERMS[view.task])
    return f"<p>{_safe(begun + said)}</p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    first = "".join(f'<th scope="col">{_safe(one)}</th>' for one in head)
    body = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table></div>'


def _list(sentences: Iterable[str], kind: str = "ul") -> str:
    return f"<{kind}>{''.join(f'<li>{_safe(one)}</li>' for one in sentences)}</{kind}>"


def _box(words: str) -> str:
    return f"<aside><p><strong>What is this?</strong> {_safe(words)}</p></aside>"


def _safe(words: str) -> str:
    return html.escape(text.visible(words))


def _safe_lines(words: str) -> str:
    return "\n".join(_safe(line) for line in words.split("\n"))
