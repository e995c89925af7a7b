"""When a loop counts as stuck."""

from worker.watchdog import Watchdog


def watched(dog: Watchdog, seconds: int, **report: object) -> list[str]:
    """A look a second, a step before each if ``report`` says of what."""
    for _ in range(seconds):
        if report:
            dog.report(**report)  # type: ignore[arg-type]  # as report takes them
        dog.look(1.0)
    return dog.problems()


def test_a_loop_that_makes_no_step_is_stuck_whatever_there_is_to_learn() -> None:
    dog = Watchdog(10)
    assert watched(dog, 20, learned=5, waiting=False) == []
    assert watched(dog, 9) == []
    (problem,) = watched(dog, 2)
    assert "no step for 11 s" in problem
    assert "LFM_WATCHDOG_SECONDS" in problem
    assert watched(dog, 1, learned=5, waiting=False) == []


def test_a_loop_that_makes_steps_and_learns_nothing_of_what_there_is_is_stuck() -> None:
    dog = Watchdog(10)
    assert watched(dog, 9, learned=5, waiting=True) == []
    assert "nothing was learned" in watched(dog, 3, learned=5, waiting=True)[0]
    assert watched(dog, 1, learned=6, waiting=True) == []
    assert watched(dog, 9, learned=6, waiting=True) == []
    assert watched(dog, 1, learned=6, waiting=False) == []
    assert watched(dog, 10, learned=6, waiting=True) == []


def test_without_lag_nothing_to_learn_is_no_reason() -> None:
    assert watched(Watchdog(10), 1000, learned=5, waiting=False) == []


def test_watermarks_that_went_back_are_progress() -> None:
    dog = Watchdog(10)
    watched(dog, 9, learned=50, waiting=True)
    assert watched(dog, 9, learned=5, waiting=True) == []
