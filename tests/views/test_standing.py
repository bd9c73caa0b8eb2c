"""What the final table allows one to say, in two sentences."""

import pytest
from fixtures.report import evaluation

from farzi_core.evaluation.report import Evaluation, Interval, Metric, RowName
from farzi_core.views.standing import standing


def judged(gaps: dict[tuple[RowName, Metric], tuple[float, float]], task: str = "recommendation") -> Evaluation:
    """A table whose distilled row is clearly better than all others, but for these intervals of (distilled - row)."""
    report = evaluation(task="language" if task == "language" else "recommendation")
    rows = tuple(
        row.model_copy(update={"minus_distilled": {one: _gap(row.name, one, gaps) for one in row.minus_distilled}})
        for row in report.rows
    )
    return report.model_copy(update={"rows": rows})


def _gap(row: RowName, metric: Metric, gaps: dict[tuple[RowName, Metric], tuple[float, float]]) -> Interval:
    better = (-0.2, -0.1) if metric.lower_is_better else (0.1, 0.2)
    low, high = gaps.get((row, metric), better)
    return Interval(low=low, high=high)


def test_a_lead_within_the_noise_is_none() -> None:
    said = standing(
        judged(
            {
                (RowName.FULL, Metric.HR10): (-0.2, -0.1),
                (RowName.FULL, Metric.AUC): (-0.1, 0.1),
                (RowName.MARKOV, Metric.AUC): (-0.01, 0.2),
            }
        )
    )
    assert "Against full data: better on HR@100, nDCG@10, nDCG@100; worse on HR@10; not told apart on AUC." in said
    assert (
        "outside the paired interval, of: Random users, Head users, Most popular. Not ahead of Markov on AUC." in said
    )


@pytest.mark.parametrize("task", ["recommendation", "language"])
def test_who_is_better_on_everything_is_ahead_of_all(task: str) -> None:
    said = standing(judged({}, task))
    assert "worse" not in said
    assert "Not ahead" not in said
