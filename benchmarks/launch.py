"""Run one command and measure it from outside: `python launch.py REPORT COMMAND ...`.

A process of its own, because Linux counts the memory of the parent at the time of the start in the child's peak: this
one is small. REPORT becomes a JSON object: seconds from start to exit, peak (ru_maxrss), and exit code (below zero: the
number of the signal). The standard library only.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    report, command = Path(sys.argv[1]), sys.argv[2:]
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, dict(os.environ))
    _, status, usage = os.wait4(child, 0)
    measured = {
        "seconds": time.perf_counter() - start,
        "peak": usage.ru_maxrss,
        "exit": os.waitstatus_to_exitcode(status),
    }
    report.write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
