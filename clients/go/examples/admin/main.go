// Command admin sets up a workspace with a plan and a cap, and watches what is spent.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/shopspring/decimal"

	tollgate "tollgate.example/go"
	tollgatev1 "tollgate.example/go/gen/tollgate/v1"
)

func main() {
	client, err := tollgate.New(tollgate.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, workspace := context.Background(), os.Args[1]
	err = setUp(ctx, client, workspace)
	if err == nil {
		err = watch(ctx, client, workspace)
	}
	if err := errors.Join(err, client.Close()); err != nil {
		log.Fatal(err)
	}
}

func setUp(ctx context.Context, client *tollgate.Client, workspace string) error {
	_, err := client.Workspace.CreateWorkspace(ctx, &tollgatev1.CreateWorkspaceRequest{
		Workspace: &tollgatev1.Workspace{
			WorkspaceId: workspace, CurrencyCode: "USD", TimeZone: "Europe/Berlin",
		},
	})
	if err != nil {
		return err
	}
	now := time.Now()
	firstOfMonth := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	_, err = client.Budget.SetPlan(ctx, &tollgatev1.SetPlanRequest{
		WorkspaceId: workspace,
		Plan: &tollgatev1.Plan{
			Budget:       usd("100"),
			OverageLimit: usd("10"),
			StartDate:    firstOfMonth.Format(time.DateOnly),
		},
	})
	if err != nil {
		return err
	}
	for _, model := range []string{"gpt-4.1", "gpt-4.1-mini"} {
		_, err := client.ModelLimit.EnableModel(ctx, &tollgatev1.EnableModelRequest{
			WorkspaceId: workspace, ModelId: model,
		})
		if err != nil {
			return err
		}
	}
	_, err = client.ModelLimit.SetModelLimit(ctx, &tollgatev1.SetModelLimitRequest{
		WorkspaceId:      workspace,
		ModelId:          "gpt-4.1",
		Limit:            usd("0.005"),
		FallbackModelIds: []string{"gpt-4.1-mini"},
	})
	return err
}

// watch prints what is spent until something is.
func watch(ctx context.Context, client *tollgate.Client, workspace string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watched, err := client.Budget.WatchSpend(ctx, &tollgatev1.WatchSpendRequest{
		WorkspaceId: workspace,
	})
	if err != nil {
		return err
	}
	for asked := false; ; asked = true {
		answer, err := watched.Recv()
		if err != nil {
			return err
		}
		spent, err := show(answer.Budget)
		if err != nil || spent.IsPositive() {
			return err
		}
		if !asked {
			if err := ask(ctx, client, workspace); err != nil {
				return err
			}
		}
	}
}

func ask(ctx context.Context, client *tollgate.Client, workspace string) error {
	request := tollgate.Request{
		Workspace: workspace, Model: "gpt-4.1", InputTokens: 1000, MaxOutputTokens: 100,
	}
	return client.Guard(ctx, request, func(_ context.Context, call *tollgate.Call) error {
		used := tollgate.Usage{InputTokens: 1000, OutputTokens: 100}
		call.RecordAs(used, call.Model(), tollgate.ServiceTierStandard)
		return nil
	})
}

func show(budget *tollgatev1.Budget) (decimal.Decimal, error) {
	spent, err := tollgate.MoneyFromProto(budget.Spent)
	if err != nil {
		return spent.Amount, err
	}
	held, err := tollgate.MoneyFromProto(budget.Held)
	fmt.Printf("spent %s, held %s, %d days until %s\n", spent, held, budget.DaysLeft,
		budget.CycleEndTime.AsTime().Format(time.DateOnly))
	return spent.Amount, err
}

func usd(amount string) *tollgatev1.Money {
	return &tollgatev1.Money{CurrencyCode: "USD", Amount: amount}
}
