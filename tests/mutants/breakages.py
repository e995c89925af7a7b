"""The list: what is broken, by which replacement of text, and which tests must see it."""

from typing import Final

from tests.mutants.of_the_library import OF_THE_LIBRARY
from tests.mutants.of_the_worker import OF_THE_WORKER

BREAKAGES: Final = (*OF_THE_LIBRARY, *OF_THE_WORKER)
