"""The search for people in logs and metrics finds one who is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.leaks import leaks, logs

NUMBER, NAME = "320100199001010026", "鹦鹉试金"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"refused {NUMBER}", True),
        (json.dumps({"event": "refused", "name": NAME}), True),
        (json.dumps({"event": "refused", "name": NAME}, ensure_ascii=False), True),
        ('{"event": "refused", "id": "320100********0026"}', False),
    ],
)
def test_who_is_named_in_a_log_is_found(tmp_path: Path, line: str, found: bool) -> None:
    (tmp_path / "enrollment.log").write_text(f"a line before\n{line}\n", encoding="utf-8")
    assert leaks(logs(tmp_path), [NUMBER, NAME]) == ["enrollment.log"] * found


def test_who_is_named_by_a_metric_is_found() -> None:
    texts = {"metrics": f'refused_total{{who="{NUMBER}"}} 1.0', "others": "refused_total 1.0"}
    assert leaks(texts, [NUMBER]) == ["metrics"]
