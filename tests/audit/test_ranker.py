"""A ranker learns from reviews, only from enough of them, and from none of tomorrow's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from services.audit.scoring import ranker as ranking
from services.audit.scoring.drift import calibration_slope
from services.audit.scoring.ranker import Outcome, Ranker, Reviews, TooFew, train, with_evidence

DAY = date(2024, 1, 1)
EARLIER = DAY - timedelta(days=1)


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of which the first two decide by chance, last an evidence that knows nothing, and
    which claims were confirmed."""
    draw = np.random.default_rng(seed)
    features = with_evidence(draw.normal(size=(n, 6)).astype(np.float32)[:, :5], draw.random(n))
    log_odds = 1.5 * features[:, 0] + 1.5 * (features[:, 1] > 1) - 1
    return features, draw.random(n) < 1 / (1 + np.exp(-log_odds))


def reviewed(n: int, seed: int = 1, on: date = EARLIER) -> Reviews:
    features, confirmed = drawn(n, seed)
    outcomes = tuple(Outcome.CONFIRMED if hit else Outcome.EXPLAINED for hit in confirmed)
    return Reviews(features, outcomes, (on,) * n, tuple(f"h{number % 20}" for number in range(n)))


NONE = np.empty((0, 6), dtype=np.float32)


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    trained = train(reviewed(3200), NONE, DAY, "f1")
    assert isinstance(trained, Ranker)
    return trained


def test_it_ranks_and_its_promises_hold_on_claims_it_never_saw(ranker: Ranker) -> None:
    features, confirmed = drawn(20_000, seed=2)
    chances = ranker.chances(features)
    highest = np.argsort(-chances)[:1000]
    assert confirmed[highest].mean() > 2 * confirmed.mean()
    slope = calibration_slope(chances, confirmed.astype(float))
    assert slope == pytest.approx(1, abs=0.2)


def test_its_chances_for_its_own_reviews_come_from_folds_without_them(ranker: Ranker) -> None:
    own = reviewed(3200)
    seen = np.mean((ranker.chances(own.features) - own.confirmed) ** 2)
    unseen = np.mean((ranker.unseen - own.confirmed) ** 2)
    assert unseen > seen * 1.05


def test_tomorrows_reviews_teach_nothing(ranker: Ranker) -> None:
    own, late = reviewed(3200), reviewed(2000, seed=3, on=DAY)
    more = Reviews(
        np.concatenate([own.features, late.features]),
        own.outcomes + tuple(Outcome.CONFIRMED for _ in late.outcomes),
        own.reviewed_on + late.reviewed_on,
        own.hospitals + late.hospitals,
    )
    again = train(more, NONE, DAY, "f1")
    assert isinstance(again, Ranker)
    assert again.version == ranker.version
    features, _ = drawn(100, seed=4)
    assert np.array_equal(again.chances(features), ranker.chances(features))


def test_too_few_reviews_say_so() -> None:
    assert isinstance(train(reviewed(2999), NONE, DAY, "f1"), TooFew)
    own = reviewed(3200)
    few = replace(own, outcomes=(Outcome.CONFIRMED,) * 299 + (Outcome.DATA_ERROR,) * 2901)
    assert train(few, NONE, DAY, "f1") == TooFew(confirmed=299, reviewed=3200)
    unclear = replace(own, outcomes=(Outcome.UNCLEAR,) * 201 + own.outcomes[201:])
    assert isinstance(train(unclear, NONE, DAY, "f1"), TooFew)


def test_what_a_hospital_is_known_for_is_no_foresight() -> None:
    """Each hospital's claims share a mark, and half of the hospitals have all theirs confirmed: who
    never saw a hospital cannot know."""
    draw = np.random.default_rng(7)
    hospitals = np.arange(3200) % 40
    marks = draw.normal(size=(40, 6)).astype(np.float32)
    marks[:, -1] = 0.5  # evidence says nothing
    confirmed = draw.permutation(40)[hospitals] < 20
    one = Reviews(
        marks[hospitals],
        tuple(Outcome.CONFIRMED if hit else Outcome.EXPLAINED for hit in confirmed),
        (EARLIER,) * 3200,
        tuple(f"h{number}" for number in hospitals),
    )
    apart = train(one, NONE, DAY, "f1")
    mixed = train(replace(one, hospitals=("h",) * 3200), NONE, DAY, "f1")
    assert isinstance(apart, Ranker)
    assert isinstance(mixed, Ranker)
    assert apart.version != mixed.version
    assert np.mean((mixed.unseen - confirmed) ** 2) < 0.01
    assert np.mean((apart.unseen - confirmed) ** 2) > 0.15


def at_hospitals(n: int, hospitals: int, seed: int) -> Reviews:
    """Claims of which evidence tells much, of hospitals of which some have hardly any confirmed and
    others most: each known by marks of its own."""
    draw = np.random.default_rng(seed)
    of = np.arange(n) % hospitals
    evidence = draw.normal(-1, 1.5, size=n)
    habit = 2 * draw.normal(size=hospitals)
    confirmed = draw.random(n) < 1 / (1 + np.exp(-evidence - habit[of]))
    marks = draw.normal(size=(hospitals, 5))[of]
    return Reviews(
        with_evidence(marks.astype(np.float32), 1 / (1 + np.exp(-evidence))),
        tuple(Outcome.CONFIRMED if hit else Outcome.EXPLAINED for hit in confirmed),
        (EARLIER,) * n,
        tuple(f"h{number}" for number in of),
    )


def test_where_it_knows_no_hospital_it_is_worth_no_less_than_evidence() -> None:
    """Trees that tell hospitals apart are sure of what they cannot know elsewhere."""
    trained = train(at_hospitals(4_000, 40, seed=1), NONE, DAY, "f1")
    assert isinstance(trained, Ranker)
    elsewhere = at_hospitals(20_000, 500, seed=2)
    learned = average_precision_score(elsewhere.confirmed, trained.chances(elsewhere.features))
    evidence = average_precision_score(elsewhere.confirmed, elsewhere.features[:, -1])
    assert learned > 0.95 * evidence  # trees alone: .84 to .92, by the draw; both: .975 to .996


def test_another_way_to_learn_is_another_version(
    ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "LEARNED_BY", "another")
    again = train(reviewed(3200), NONE, DAY, "f1")
    assert isinstance(again, Ranker)
    assert again.version != ranker.version


def test_trees_that_reviews_speak_against_are_not_believed_the_other_way_round() -> None:
    """Of these few hospitals they learned what holds for no other: the evidence alone orders."""
    trained = train(at_hospitals(3_200, 40, seed=3), NONE, DAY, "f1")
    assert isinstance(trained, Ranker)
    elsewhere = at_hospitals(2_000, 500, seed=4).features
    by_evidence = np.argsort(elsewhere[:, -1], kind="stable")
    assert np.all(np.diff(trained.chances(elsewhere)[by_evidence]) >= 0)
