"""Independent students side by side, one thread each: their small tensor operations cannot use a second core, and
OpenMP's spinning threads make them ten times slower on a machine that does anything else.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_threads(function: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> list[Result]:
    """`[function(item) for item in items]`, in order; on the CPU as many at once as torch has threads.

    Inside each, operations use one thread, so results do not depend on how many run at once.
    """
    if device.type != "cpu":
        return [function(item) for item in items]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(function, items))
    finally:
        torch.set_num_threads(threads)
