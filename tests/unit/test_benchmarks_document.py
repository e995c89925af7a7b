"""The document of measured figures."""

from pathlib import Path

from tests.benchmarks.document import write
from tests.benchmarks.figure import Figure

ORDER = ("slow", "fast")


def test_a_run_replaces_what_it_measured_and_leaves_the_rest_in_order(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    write(
        path, ORDER, [("fast", Figure("a", 1, "s", "b", 2)), ("fast", Figure("c", 1, "s", "b", 2))], "first"
    )
    write(path, ORDER, [("slow", Figure("d", 3, "s", "b", 2))], "second")
    write(path, ORDER, [("fast", Figure("a", 4, "s", "b", 2))], "third")
    rows = [line for line in path.read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        "| `slow` | d | 3 | s | b | 2 | 1.50 | second |",
        "| `fast` | a | 4 | s | b | 2 | 2.00 | third |",
    ]
