"""What differs between tasks when models are judged: the judge, the rules without training, and the names of rows.

Everything else (students, baselines of equal size, seeds, intervals, the outer loop) is the same code.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from farzi_core.config import RunConfig
from farzi_core.data.dataset import Dataset, Sequences, Task
from farzi_core.evaluation import baselines, ngrams
from farzi_core.evaluation.reader import Reader
from farzi_core.evaluation.report import RowName
from farzi_core.evaluation.students import Judge, Ranker

Rule = Callable[[Sequences, int, Judge], Tensor]


@dataclass(frozen=True)
class Judging:
    """How one task judges. Its judges are given to its own rules only."""

    judge: Callable[[RunConfig, Dataset, Sequences, int, torch.device], Judge]
    """(settings, data, part, longest context, device) -> a judge of that part."""
    rules: dict[RowName, Rule]
    """Rows that train nothing: (training part, items, judge of the test part) -> what the judge sees of them."""
    renamed: dict[RowName, RowName]
    """Rows that have a name of their own in this task."""


def _ranker(config: RunConfig, dataset: Dataset, part: Sequences, length: int, device: torch.device) -> Judge:
    return Ranker(part, length, device, config.evaluation.mask_seen)


def _reader(config: RunConfig, dataset: Dataset, part: Sequences, length: int, device: torch.device) -> Judge:
    return Reader(part, length, device, dataset.unknown)


def _of_ranker(rule: Callable[[Sequences, int, Ranker], Tensor]) -> Rule:
    def seen(train: Sequences, items: int, judge: Judge) -> Tensor:
        assert isinstance(judge, Ranker)
        return rule(train, items, judge)

    return seen


def _of_reader(rule: Callable[[Sequences, int, Reader], Tensor]) -> Rule:
    def seen(train: Sequences, items: int, judge: Judge) -> Tensor:
        assert isinstance(judge, Reader)
        return rule(train, items, judge)

    return seen


JUDGING: dict[Task, Judging] = {
    "recommendation": Judging(
        _ranker,
        {
            RowName.POPULAR: _of_ranker(baselines.popularity_ranks),
            RowName.MARKOV: _of_ranker(baselines.markov_ranks),
        },
        {},
    ),
    "language": Judging(
        _reader,
        {RowName.UNIGRAM: _of_reader(ngrams.unigram_seen), RowName.BIGRAM: _of_reader(ngrams.bigram_seen)},
        {RowName.RANDOM: RowName.RANDOM_SENTENCES, RowName.HEAD: RowName.HEAD_SENTENCES},
    ),
}


def judge_of(config: RunConfig, dataset: Dataset, part: Sequences, length: int, device: torch.device) -> Judge:
    """A judge of `part` for the data set's task; models see at most `length` tokens at once."""
    return JUDGING[dataset.info.task].judge(config, dataset, part, length, device)


def validation_judge(config: RunConfig, dataset: Dataset, length: int, device: torch.device) -> Judge:
    """A judge of the validation users (or sentences), at most `config.validation.users` of them at random."""
    part = dataset.part("validation")
    keep = np.random.default_rng(config.seed).permutation(len(part))[: config.validation.users]
    return judge_of(config, dataset, part.take(keep), length, device)
