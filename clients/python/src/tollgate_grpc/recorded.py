"""What the server says of a record."""

from __future__ import annotations

from dataclasses import dataclass

from . import v1 as pb
from .errors import Unsaid, enum_name
from .money import Money
from .names import BudgetState
from .usage import Usage


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a call cost, once its record is durable."""

    cost: Money
    """In the workspace's currency."""
    usage: Usage
    """What was counted: what the server read in the provider's answer, or what was recorded."""
    model: str
    """The model that it counts for."""
    attempt: int
    """Number of the attempt that it was recorded under."""
    duplicate: bool
    """Whether the record existed already: nothing was counted again."""
    unread: bool
    """Whether no usage was found in the answer: what was held is charged."""
    unpriced: bool
    """Whether the model has no price, or the price lacks a rate."""
    large: bool
    """Whether the cost is above the alert policy's `large_record_cost`."""
    budget_state: BudgetState | Unsaid
    """Where the workspace stands, for example `WITHIN_PLAN`."""
    cycle_spent: Money
    """What the workspace has spent in the running cycle."""

    @classmethod
    def from_proto(cls, answer: pb.RecordUsageResponse) -> Recorded:
        """Takes over every field in the language's own types."""
        return cls(
            cost=Money.from_proto(answer.cost),
            usage=Usage.from_proto(answer.usage),
            model=answer.model_id,
            attempt=answer.attempt,
            duplicate=answer.duplicate,
            unread=answer.unread,
            unpriced=answer.unpriced,
            large=answer.large,
            budget_state=enum_name(pb.BudgetState, "BUDGET_STATE_", answer.budget_state),
            cycle_spent=Money.from_proto(answer.cycle_spent),
        )
