"""Pairs of events of one sequence, so many events apart: what rules count and what the start is fitted to.

Legend: N pairs, V items.
"""

import numpy as np
from scipy.sparse import coo_array, csr_array

from farzi_core.data.dataset import IntArray, Sequences


def pairs(sequences: Sequences, distance: int = 1) -> tuple[IntArray, IntArray]:
    """(item [N], item [N] `distance` events later), in the order of the events."""
    owner = np.repeat(np.arange(len(sequences)), sequences.lengths)
    same = owner[:-distance] == owner[distance:]
    return sequences.items[:-distance][same], sequences.items[distance:][same]


def pair_counts(sequences: Sequences, items: int, distance: int = 1) -> csr_array:
    """[V, V], sparse by rows, items in order: how often item b follows item a after `distance` events."""
    found = pairs(sequences, distance)
    return coo_array((np.ones(len(found[0])), found), shape=(items, items)).tocsr()  # which adds up equal pairs
