"""The command that counts mutants: which it makes, and that its judges judge."""

from __future__ import annotations

from textwrap import dedent

from tests.policy.mutants.core import PRICING, ROOT, SHARED, equivalents
from tests.policy.mutants.making import Mutant, mutants_in, mutants_of, unchanged
from tests.policy.mutants.trying import tried

LOSS = "services/settlement/domain/loss.py"


def test_each_kind_of_change_is_made_and_no_other() -> None:
    source = dedent('''
        """Words."""
        Alias = int | str

        def owed(days: int | None, free: bool = False) -> int:
            """Words."""
            assert days is not None
            if days > 3 and not free:
                raise ValueError("words")
            seen.append(days)
            return days - 1
    ''')
    changes = [f"{made.old} -> {made.new}" for made in mutants_in(source, "shared/money.py")]
    assert sorted(changes) == sorted([
        "def owed(days: int | None, free: bool = False) -> int: -> "
        "def owed(days: int | None, free: bool = True) -> int:",
        "if days > 3 and not free: -> if days >= 3 and not free:",
        "if days > 3 and not free: -> if days > 4 and not free:",
        "if days > 3 and not free: -> if days > 2 and not free:",
        "if days > 3 and not free: -> if days > 3 or not free:",
        "if days > 3 and not free: -> if days > 3 and free:",
        "if days > 3 and not free: -> if not (days > 3 and not free):",
        "seen.append(days) -> seen.append(None)",
        "seen.append(days) -> pass",
        "return days - 1 -> return days + 1",
        "return days - 1 -> return days - 2",
        "return days - 1 -> return days - 0",
    ])  # fmt: skip


def test_of_the_forms_only_functions_change() -> None:
    source = "FIELD = 3\n\ndef read() -> int:\n    return 3\n"
    assert {made.function for made in mutants_in(source, "shared/policy/shapes.py")} == {"read"}
    assert {made.function for made in mutants_in(source, "shared/money.py")} == {"", "read"}


def test_every_mutant_can_be_compiled_and_asked_for_again() -> None:
    made = list(mutants_of(LOSS))
    for mutant in made:
        compile(mutant.source, mutant.file, "exec")
    assert len({mutant.id for mutant in made}) == len(made) > 10


def test_the_judges_kill_a_mutant_and_let_the_core_live() -> None:
    [mutant] = [m for m in mutants_of(LOSS) if m.new == "if not 1 < self.weeks <= 50:"]
    untouched = unchanged(LOSS)
    fates = dict(_fates([mutant, untouched]))
    assert fates[untouched.id] is None
    assert "test_what_lies_on_the_border_can_be" in str(fates[mutant.id])


def _fates(mutants: list[Mutant]) -> list[tuple[str, str | None]]:
    quick = ["tests/policy/test_nouns.py"]
    return [(fate.mutant.id, fate.killer) for fate in tried(mutants, 2, 120, quick)]


def test_what_is_listed_as_equivalent_is_still_there() -> None:
    listed = equivalents()
    assert len(set(listed)) == len(listed)
    for each in listed:
        assert each.file in (*SHARED, *PRICING)
        text = " ".join((ROOT / each.file).read_text(encoding="utf-8").split())
        assert each.old in text, each
        assert each.because
