"""`python -m bench [P1 P2 ...]`: the figures, one JSON line each; all that exist without a name.

A figure that cannot be taken, or whose run does not count, says so in its line, and the command
then ends with 1.
"""

from __future__ import annotations

import sys

from bench import (
    audit_scores,
    batches,
    checks,
    demo,
    entitlements,
    fee_lines,
    funds,
    gateway,
    growth,
    pricing,
    queue_pages,
    replay,
    settling,
    starting,
    storm,
    telling,
    what_if,
)
from bench.figure import Void, say
from bench.yardstick import NoPgbench

_TOGETHER = {
    "P1": settling.measure, "P2": settling.measure, "P5": settling.measure,
    "P3": gateway.measure, "P4": batches.measure, "P10": pricing.measure,
    "P6": growth.measure, "P6.whole": growth.measure, "P21": growth.measure,
    "P11": what_if.measure,
    "P7": entitlements.measure, "P16": starting.measure, "P17": storm.measure,
    "P19": funds.measure,
    "P18": fee_lines.measure, "P8": telling.measure, "P20": telling.measure,
    "P13c": checks.measure, "P14": queue_pages.measure, "P9": replay.measure,
    "P9.whole": replay.measure, "P13.whole": audit_scores.measure, "demo": demo.measure,
}  # fmt: skip
_ONLY_BY_NAME = ".whole"


def main(names: list[str]) -> int:
    """Take the figures that are named; 0 if every one of them counts."""
    asked = names or [name for name in _TOGETHER if not name.endswith(_ONLY_BY_NAME)]
    failed = [name for name in asked if name not in _TOGETHER]
    for name in failed:
        say(name, None, "", skipped="not a figure of this bench yet")
    for measure in dict.fromkeys(_TOGETHER[name] for name in asked if name in _TOGETHER):
        of_it = {name for name in asked if _TOGETHER.get(name) is measure}
        try:
            measure(of_it)
        except (Void, NoPgbench) as reason:
            failed += sorted(of_it)
            for name in sorted(of_it):
                say(name, None, "", skipped=str(reason))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
