"""The form of audit's answer on an institution's kinds of case."""

from __future__ import annotations

from services.audit.api.shown import Amount, MonthText, Shown


class GroupingShown(Shown):
    """The version of the obstetric grouping, how sure its source is (A to D), and the source."""

    id: str
    title: str
    title_zh: str
    grade: str
    source: str


class KindShown(Shown):
    """One kind of case: an adjacent group, `ungrouped`, or a benefit that is not grouped; its
    cases and their bills in the months asked for and in those a year before."""

    kind: str
    name: str
    name_zh: str
    cases: int
    total: Amount
    cases_before: int
    total_before: Amount


class GrowthShown(Shown):
    """The change of all bills against the year before, and its three parts: dearer cases, more
    cases, other kinds of case."""

    change: Amount
    price: Amount
    volume: Amount
    mix: Amount


class CaseMixShown(Shown):
    """An institution's kinds of case by the month of discharge, the dearest together first."""

    institution_code: str
    grouping: GroupingShown
    since: MonthText
    until: MonthText
    kinds: list[KindShown]
    growth: GrowthShown
