"""Every claim of a file gets a score, a sum and a sentence; reviews teach; nothing looks ahead."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bench.audit.generate import province, write
from services.audit.scoring.claim_flags_file import write_claim_flags
from services.audit.scoring.claims_file import read_claims
from services.audit.scoring.features import claim_features
from services.audit.scoring.queue_order import CHANCE_DRAWN, drawn, lot_key, order


@dataclass(frozen=True)
class Scored:
    folder: Path
    flags: dict[str, dict[str, str]]
    wrong: dict[str, str]
    heard: list[tuple[int, int]]
    """How many claims were scored, of how many, as it was told meanwhile."""


def score(
    claims: Path, out: Path, heard: list[tuple[int, int]] | None = None
) -> dict[str, dict[str, str]]:
    out.mkdir()
    with read_claims(claims) as history:
        features = history.kept("features", claim_features(history.claims))
        write_claim_flags(
            history, features, {}, out, date(2030, 1, 1),
            tell=lambda *far: None if heard is None else heard.append(far),
        )  # fmt: skip
    with (out / "claim_flags.csv").open(encoding="utf-8", newline="") as file:
        return {row["claim_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    folder = tmp_path_factory.mktemp("claims")
    write(province(5, 8, 20, 0.3, 1.0), folder)
    with (folder / "labels_claims.csv").open(encoding="utf-8", newline="") as file:
        wrong = {row["claim_id"]: row["kind"] for row in csv.DictReader(file)}
    heard: list[tuple[int, int]] = []
    return Scored(folder, score(folder / "CLAIMS.csv", folder / "out", heard), wrong, heard)


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def test_every_claim_once_with_numbers_and_both_languages(scored: Scored) -> None:
    asked = [row["claim_id"] for row in rows(scored.folder / "CLAIMS.csv")]
    assert sorted(scored.flags) == sorted(asked)
    for row in scored.flags.values():
        assert list(row) == ["claim_id", "score", "amount_at_risk", "rule_ids", "reason"]
        assert np.isfinite(float(row["score"]))
        assert float(row["amount_at_risk"]) >= 0
        chinese, english = row["reason"].split(" | ")
        assert "例" in chinese
        assert "peers" in english
        assert english.endswith("[claims-4 evidence-3]")


def test_it_tells_how_far_it_is(scored: Scored) -> None:
    assert scored.heard[-1] == (len(scored.flags), len(scored.flags))
    assert scored.heard == sorted(scored.heard)


def test_what_is_wrong_comes_before_what_is_not(scored: Scored) -> None:
    ranked = sorted(scored.flags, key=lambda claim: -float(scored.flags[claim]["score"]))
    top = ranked[: len(ranked) // 100]
    share = np.mean([claim in scored.wrong for claim in top])
    assert share > 5 * len(scored.wrong) / len(ranked)


def test_a_duplicate_puts_its_whole_fund_part_at_risk(scored: Scored) -> None:
    fund = {row["claim_id"]: row["fund_amount"] for row in rows(scored.folder / "CLAIMS.csv")}
    found = [row for row in scored.flags.values() if "repeated-claim" in row["rule_ids"].split(";")]
    assert found
    for row in found:
        assert float(row["amount_at_risk"]) == pytest.approx(float(fund[row["claim_id"]]), abs=0.01)
        assert "repeated-claim" in row["reason"]


def test_the_other_copy_of_a_claim_made_twice_is_doubted_and_met_by_no_rule(scored: Scored) -> None:
    claims = list(rows(scored.folder / "CLAIMS.csv"))
    same = ("person_id", "hospital_id", "kind", "admit_date", "discharge_date", "total_amount")
    copies: dict[tuple[str, ...], list[str]] = {}
    for row in claims:
        copies.setdefault(tuple(row[name] for name in same), []).append(row["claim_id"])
    twice = [ids for ids in copies.values() if len(ids) == 2]
    assert twice
    for ids in twice:
        met, other = sorted(ids, key=lambda one: "repeated" not in scored.flags[one]["rule_ids"])
        assert "repeated-claim" in scored.flags[met]["rule_ids"]
        assert "repeated-claim" not in scored.flags[other]["rule_ids"]
        assert float(scored.flags[other]["score"]) > 0.3 * float(scored.flags[met]["score"])


def test_later_months_change_no_earlier_score(scored: Scored, tmp_path: Path) -> None:
    known = scored.folder / "CLAIMS.csv"
    with (
        known.open(encoding="utf-8", newline="") as file,
        (tmp_path / "CLAIMS.csv").open("w", encoding="utf-8", newline="") as cut,
    ):
        claims = csv.DictReader(file)
        writer = csv.DictWriter(cut, claims.fieldnames or ())
        writer.writeheader()
        all_rows = list(claims)
        months = sorted({row["month"] for row in all_rows})
        writer.writerows(row for row in all_rows if row["month"] <= months[-5])
    before = score(tmp_path / "CLAIMS.csv", tmp_path / "out")
    changed = [
        claim
        for claim, row in before.items()
        if abs(float(row["score"]) - float(scored.flags[claim]["score"])) > 1e-4
    ]
    assert not changed


def test_the_queue_has_the_highest_and_some_drawn_at_random(scored: Scored) -> None:
    queue = list(rows(scored.folder / "out" / "queue.csv"))
    by_score = [row["claim_id"] for row in queue if row["picked_by"] == "score"]
    highest = [float(scored.flags[claim]["score"]) for claim in by_score]
    rest = set(scored.flags) - set(by_score)
    assert highest == sorted(highest, reverse=True)
    assert min(highest) >= max(float(scored.flags[claim]["score"]) for claim in rest)
    for row in queue:
        marked = "picked at random" in scored.flags[row["claim_id"]]["reason"]
        if row["picked_by"] == "random":
            assert marked


def test_the_queue_is_the_same_in_whatever_order_claims_are_read(
    scored: Scored, tmp_path: Path
) -> None:
    one, *others = (scored.folder / "CLAIMS.csv").read_text(encoding="utf-8").splitlines()
    backwards = tmp_path / "CLAIMS.csv"
    backwards.write_text("\n".join([one, *reversed(others)]) + "\n", encoding="utf-8")
    score(backwards, tmp_path / "out")
    queues = [folder / "out" / "queue.csv" for folder in (scored.folder, tmp_path)]
    assert queues[0].read_text(encoding="utf-8") == queues[1].read_text(encoding="utf-8")


def test_a_draw_is_a_share_and_the_same_again() -> None:
    ids = [f"C{n}" for n in range(200_000)]
    picked = drawn(ids, b"key")
    assert picked.mean() == pytest.approx(CHANCE_DRAWN, rel=0.3)
    assert np.array_equal(picked, drawn(ids, b"key"))


def test_nobody_without_the_key_can_tell_who_is_drawn() -> None:
    """Red while a claim's id alone says it: a hospital could leave its drawn claims clean."""
    ids = [f"C{n}" for n in range(200_000)]
    one, another = (drawn(ids, lot_key(secret)) for secret in (b"a" * 16, b"b" * 16))
    assert (one & another).sum() <= 3  # by chance alone one in 2,000 of those drawn
    assert lot_key(b"a" * 16) != b"a" * 16


def test_order_grows_with_chance_and_with_money() -> None:
    scores = order(np.array([0.1, 0.2, 0.2]), np.array([100.0, 100.0, 200.0]))
    assert scores[0] < scores[1] < scores[2]


def test_what_was_learned_is_believed_as_much_as_evidence() -> None:
    chance, yuan = np.array([0.2, 0.2, 0.4]), np.full(3, 100.0)
    scores = order(chance, yuan, learned=np.array([0.2, 0.4, 0.2]))
    assert scores[0] < scores[1] == pytest.approx(scores[2])


def test_versions_and_the_lack_of_a_ranker_are_told(scored: Scored) -> None:
    told = json.loads((scored.folder / "out" / "scoring.json").read_text(encoding="utf-8"))
    assert (told["features"], told["champion"]) == ("claims-4", "evidence-3")
    assert told["no_ranker"] == {"confirmed": 0, "reviewed": 0}
