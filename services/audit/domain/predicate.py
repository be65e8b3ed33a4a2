"""All predicates, as one closed union: a rule's file names one and gives its parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from services.audit.domain.coding import (
    CodedOtherwise,
    LiftedGroup,
    MissingProcedure,
    ModeStatedOtherwise,
    SoleLiftingProcedure,
)
from services.audit.domain.items import (
    DaysBeyondStay,
    ForbiddenItem,
    MissingItem,
    MoreLinesThanDays,
    OutsideStay,
    TooOften,
)
from services.audit.domain.listed_prices import AboveListPrice, SecondProcedureInFull
from services.audit.domain.stays import LowStandardAdmission, NoPrenatalRecord
from services.audit.domain.when import (
    DeliveryInterval,
    DuplicateClaim,
    OverlappingClaim,
    OverlappingStays,
    RepeatedClaim,
    SplitStay,
)
from services.audit.domain.who import AgeOutside, NotInsured, SexContradiction

AnyPredicate = (
    SexContradiction
    | AgeOutside
    | NotInsured
    | DuplicateClaim
    | RepeatedClaim
    | OverlappingClaim
    | OverlappingStays
    | DeliveryInterval
    | SplitStay
    | LowStandardAdmission
    | NoPrenatalRecord
    | CodedOtherwise
    | MissingProcedure
    | ModeStatedOtherwise
    | LiftedGroup
    | SoleLiftingProcedure
    | DaysBeyondStay
    | OutsideStay
    | MoreLinesThanDays
    | TooOften
    | ForbiddenItem
    | MissingItem
    | AboveListPrice
    | SecondProcedureInFull
)

OnePredicate = Annotated[AnyPredicate, Field(discriminator="predicate")]
