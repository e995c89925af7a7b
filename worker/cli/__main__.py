"""``python -m worker.cli`` is ``lfm-online``."""

from worker.cli import main

main(prog_name="lfm-online")
