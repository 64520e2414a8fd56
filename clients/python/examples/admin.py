"""Sets up a workspace with a plan and a cap, and watches what is spent."""

import sys
from datetime import date
from decimal import Decimal

from tollgate_grpc import Client, Money, Usage, time_of
from tollgate_grpc import v1 as pb


def main(workspace: str) -> None:
    with Client() as client:
        client.workspace.CreateWorkspace(
            pb.CreateWorkspaceRequest(
                workspace=pb.Workspace(
                    workspace_id=workspace, currency_code="USD", time_zone="Europe/Berlin"
                )
            )
        )
        plan = pb.Plan(
            budget=Money(Decimal("100"), "USD").to_proto(),
            overage_limit=Money(Decimal("10"), "USD").to_proto(),
            start_date=date.today().replace(day=1).isoformat(),
        )
        client.budget.SetPlan(pb.SetPlanRequest(workspace_id=workspace, plan=plan))
        for model in ("gpt-4.1", "gpt-4.1-mini"):
            client.model_limit.EnableModel(
                pb.EnableModelRequest(workspace_id=workspace, model_id=model)
            )
        client.model_limit.SetModelLimit(
            pb.SetModelLimitRequest(
                workspace_id=workspace,
                model_id="gpt-4.1",
                limit=Money(Decimal("0.005"), "USD").to_proto(),
                fallback_model_ids=["gpt-4.1-mini"],
            )
        )

        watched = client.budget.WatchSpend(pb.WatchSpendRequest(workspace_id=workspace))
        show(next(watched).budget)
        with client.guard(workspace, "gpt-4.1", input_tokens=1000, max_output_tokens=100) as call:
            call.record(Usage(input_tokens=1000, output_tokens=100), model=call.model)
        for answer in watched:
            show(answer.budget)
            if Money.from_proto(answer.budget.spent).amount:
                break
        watched.cancel()


def show(budget: pb.Budget) -> None:
    spent, held = Money.from_proto(budget.spent), Money.from_proto(budget.held)
    end = time_of(budget.cycle_end_time)
    print(f"spent {spent}, held {held}, {budget.days_left} days until {end:%Y-%m-%d}")


if __name__ == "__main__":
    main(*sys.argv[1:])
