"""95 % intervals of a percentage of full data that comes from several runs. No torch.

Legend: S runs of one split, J splits, p_j the percentage in split j, p their mean, s their standard deviation (J - 1),
n_test and n_train users of a split's parts, t the 97.5 % quantile of Student's t with J - 1 degrees of freedom.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit

from farzi_core.evaluation.report import Interval

RUNS_MEANING = (
    "In brackets the 95 % interval of the percentage, paired bootstrap over test users (of a text, sentences). Runs of "
    "several seeds have the same test users: then the means of the runs' ends, for seeds average out the luck of "
    "students, not that of users."
)
SPLITS_MEANING = (
    "Interval: Student's t over splits, widened because their training users overlap (Nadeau and Bengio, 2003); of a "
    "single split its own, over its test users alone."
)


def over_runs(found: Sequence[Interval | None]) -> Interval | None:
    """Of the mean percentage of S runs with the same test users, from the interval of each: the mean of the ends.

    The standard deviation of a mean is at most the mean of the standard deviations, and equal to it where all S move
    together, as they do with the users they share. So this is, but for skewness, never too narrow; dividing by sqrt(S)
    would be. None where a run has no interval: rows of full data, and runs of version 0.1.
    """
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None
    return Interval(low=fmean(one.low for one in known), high=fmean(one.high for one in known))


def over_splits(percents: Sequence[float], test_share: float) -> Interval:
    """p +- t s sqrt(1 / J + n_test / n_train), from J >= 2 percentages and `test_share` = n_test / n_train.

    It speaks about splits that were not drawn: other users to train on and to be tested on. Splits of one data set
    share most training users, so their percentages agree more than those of fresh data would, and s / sqrt(J) alone is
    too small; the second term is the correction of Nadeau and Bengio, "Inference for the generalization error", Machine
    Learning 52 (2003). Few splits make it wide: t is 12.7 for two, 4.3 for three, 2.8 for five.

    Raises `statistics.StatisticsError` for fewer than two percentages.
    """
    count, middle = len(percents), fmean(percents)
    reach = stdev(percents) * sqrt(1 / count + test_share) * float(stdtrit(count - 1, 0.975))
    return Interval(low=middle - reach, high=middle + reach)


def words(low: float | None, high: float | None, decimals: int = 1) -> str:
    """`[82.1, 93.0]`; nothing where there is no interval."""
    return "" if low is None or high is None else f"[{low:.{decimals}f}, {high:.{decimals}f}]"
