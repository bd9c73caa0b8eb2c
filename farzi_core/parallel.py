"""Independent students side by side: one thread each, because their small tensor operations leave a second core idle."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_threads(function: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> list[Result]:
    """`[function(item) for item in items]`, in order.

    On the CPU as many run at once as torch has threads, each with one thread inside its operations.
    """
    threads = torch.get_num_threads()
    workers = min(threads, len(items))
    if workers <= 1 or device.type != "cpu":
        return [function(item) for item in items]
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(function, items))
    finally:
        torch.set_num_threads(threads)
