"""What the tests of the command line share."""

from collections.abc import Callable

import pytest

from stylize.runtime.engine.tensors import Tensor
from stylize.runtime.method.objective import Objective


@pytest.fixture
def at_iteration(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let something happen after some evaluations of the gradient, counted over all pictures."""

    def arrange(*evaluations: int, happen: Callable[[Objective], None]) -> None:
        bind, count = Objective.bind, 0

        def bind_to_both(objective: Objective, image: Tensor) -> Callable[[], None]:
            evaluate = bind(objective, image)

            def evaluate_and_happen() -> None:
                nonlocal count
                count += 1
                evaluate()
                if count in evaluations:
                    happen(objective)

            return evaluate_and_happen

        monkeypatch.setattr(Objective, "bind", bind_to_both)

    return arrange


@pytest.fixture
def interrupted_at(at_iteration: Callable[..., None]) -> Callable[[int], None]:
    """Let Ctrl-C be pressed during one evaluation of the gradient, counted over all pictures."""

    def interrupt(objective: Objective) -> None:
        raise KeyboardInterrupt

    return lambda evaluation: at_iteration(evaluation, happen=interrupt)
