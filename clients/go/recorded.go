package tollgate

import pb "tollgate.example/go/gen/tollgate/v1"

// Recorded is what the server says of a record, once it is durable.
type Recorded struct {
	// Cost is what the call cost, in the workspace's currency.
	Cost Money
	// Usage is what was counted: what the server read in the provider's answer, or what was
	// recorded; without factors.
	Usage Usage
	// Model is the one that it counts for.
	Model string
	// Attempt is the number of the attempt that it was recorded under.
	Attempt int32
	// Duplicate says that the record existed already: nothing was counted again.
	Duplicate bool
	// Unread says that no usage was found in the answer: what was held is charged.
	Unread bool
	// Unpriced says that the model has no price, or the price lacks a rate.
	Unpriced bool
	// Large says that the cost is above the alert policy's large_record_cost.
	Large bool
	// BudgetState is where the workspace stands, for example [BudgetStateWithinPlan].
	BudgetState BudgetState
	// CycleSpent is what the workspace has spent in the running cycle.
	CycleSpent Money
}

func recordedFromProto(answer *pb.RecordUsageResponse) *Recorded {
	recorded := &Recorded{
		Usage:       UsageFromProto(answer.Usage),
		Model:       answer.ModelId,
		Attempt:     answer.Attempt,
		Duplicate:   answer.Duplicate,
		Unread:      answer.Unread,
		Unpriced:    answer.Unpriced,
		Large:       answer.Large,
		BudgetState: enumName[BudgetState](answer.BudgetState, "BUDGET_STATE_"),
	}
	// The server sends no amount that is none.
	if cost := moneyOrNil(answer.Cost); cost != nil {
		recorded.Cost = *cost
	}
	if spent := moneyOrNil(answer.CycleSpent); spent != nil {
		recorded.CycleSpent = *spent
	}
	return recorded
}
