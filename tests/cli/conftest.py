"""What the tests of the command line share."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from stylize.runtime.objective import Evaluation, Objective


@pytest.fixture
def interrupted_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let Ctrl-C be pressed during one evaluation of the gradient, counted over all pictures."""

    def arrange(evaluation: int) -> None:
        evaluate, count = Objective.__call__, 0

        def evaluate_or_stop(objective: Objective, image: npt.NDArray[np.float32]) -> Evaluation:
            nonlocal count
            count += 1
            if count == evaluation:
                raise KeyboardInterrupt
            return evaluate(objective, image)

        monkeypatch.setattr(Objective, "__call__", evaluate_or_stop)

    return arrange
