"""4. The paper: Z, M and tau; reverse-mode Adam; the outer loop.

Also callable: `farzi_core.distill(dataset, config)` is the public function of the same name (`farzi_core.api`). A
package attribute and a function of one name exclude each other, because importing the package binds its name in the
parent.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from farzi_core.api import Distilled
    from farzi_core.config import RunConfig
    from farzi_core.data.dataset import Dataset


class _Distill(ModuleType):
    def __call__(
        self,
        dataset: "Dataset",
        config: "RunConfig | None" = None,
        on_step: "Callable[[dict[str, Any]], None] | None" = None,
    ) -> "Distilled":
        """`farzi_core.api.distill`."""
        from farzi_core.api import distill

        return distill(dataset, config, on_step)


sys.modules[__name__].__class__ = _Distill
