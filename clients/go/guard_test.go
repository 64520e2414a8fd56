package tollgate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
	"tollgate.example/go/internal/testserver"
)

const chat = `{
	"object": "chat.completion", "model": "gpt-4.1-2025-04-14", "service_tier": "flex",
	"usage": {"prompt_tokens": 1000, "completion_tokens": 100}
}`

// only flushes and gives the only record there is.
func only(
	t *testing.T, client *tollgate.Client, workspace *testserver.Workspace,
) *pb.UsageRecord {
	t.Helper()
	if left := flush(client, patience); left != 0 {
		t.Fatalf("%d records are left", left)
	}
	records := workspace.Records()
	if len(records) != 1 {
		t.Fatalf("there are %d records: %v", len(records), records)
	}
	return records[0]
}

func TestSuccessIsRecordedWithAllThatIsKnown(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	before := time.Now()
	var id string
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000, MaxOutputTokens: 500,
		User: "ada", Department: "research", Project: "p1", Tags: map[string]string{"team": "x"},
	}, func(_ context.Context, call *tollgate.Call) error {
		expect(t, "model", call.Model(), "gpt-4.1")
		expect(t, "decision", call.Decision, tollgate.DecisionAllowed)
		expect(t, "routed", call.Routed, false)
		expect(t, "held", call.Held.String(), "0.006 USD")
		expect(t, "budget state", call.BudgetState, "WITHIN_PLAN")
		expect(t, "expires later", call.ExpireTime.After(before), true)
		id = call.RequestID
		time.Sleep(5 * time.Millisecond)
		call.Record([]byte(chat))
		return nil
	})
	after := time.Now()
	if err != nil {
		t.Fatal(err)
	}
	record := only(t, client, workspace)
	expect(t, "request id", record.RequestId, id)
	expect(t, "model", record.ModelId, "gpt-4.1-2025-04-14")
	expect(t, "tier", record.ServiceTier, pb.ServiceTier_SERVICE_TIER_FLEX)
	expect(t, "outcome", record.Outcome, pb.Outcome_OUTCOME_SUCCESS)
	expect(t, "source", record.UsageSource, pb.UsageSource_USAGE_SOURCE_PROVIDER)
	expectUsage(t, record.Usage, used)
	expect(t, "user", record.Attribution.UserId, "ada")
	expect(t, "department", record.Attribution.DepartmentId, "research")
	expect(t, "tag", record.Attribution.Tags["team"], "x")
	start := record.StartTime.AsTime()
	// It is kept in whole microseconds.
	expect(t, "starts in between",
		!start.Before(before.Truncate(time.Microsecond)) && !start.After(after), true)
	latency := record.Latency.AsDuration()
	expect(t, "latency", latency >= 5*time.Millisecond && latency <= after.Sub(before), true)
	expect(t, "holds", len(workspace.Holds()), 0)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 1})
}

func TestWaitTellsTheCost(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	var kept *tollgate.Call
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000, Wait: true,
	}, func(_ context.Context, call *tollgate.Call) error {
		kept = call
		return record(call)
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "cost", kept.Recorded.Cost.String(), cost+" USD")
	expect(t, "model", kept.Recorded.Model, "gpt-4.1")
	expect(t, "input", kept.Recorded.Usage.InputTokens, used.InputTokens)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 1})
	expectSpent(t, workspace, 1)
}

func TestWhatTheBlockFailsWithGoesOnAndIsRecorded(t *testing.T) {
	down := errors.New("provider is down")
	for _, test := range []struct {
		name    string
		failure error
		outcome pb.Outcome
	}{
		{"error", down, pb.Outcome_OUTCOME_ERROR},
		{"timeout of the provider", context.DeadlineExceeded, pb.Outcome_OUTCOME_ERROR},
		{"cancelled", context.Canceled, pb.Outcome_OUTCOME_CANCELLED},
		{"wrapped", errors.Join(down, context.Canceled), pb.Outcome_OUTCOME_CANCELLED},
		{
			"cancelled by gRPC", status.Error(codes.Canceled, "cut"),
			pb.Outcome_OUTCOME_CANCELLED,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
			err := guard(client, workspace.ID, func(call *tollgate.Call) error {
				_ = call.Model()
				return test.failure
			})
			expect(t, "error", err, test.failure)
			record := only(t, client, workspace)
			expect(t, "outcome", record.Outcome, test.outcome)
			expectUsage(t, record.Usage, tollgate.Usage{})
			expect(t, "holds", len(workspace.Holds()), 0)
		})
	}
}

func TestAnErrorKeepsWhatWasUsed(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	down := errors.New("provider is down")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		call.Record(`{"usage": {"prompt_tokens": 7, "completion_tokens": 3}}`)
		return down
	})
	expect(t, "error", err, down)
	record := only(t, client, workspace)
	expect(t, "outcome", record.Outcome, pb.Outcome_OUTCOME_ERROR)
	expect(t, "output", record.Usage.OutputTokenCount, 3)
}

func TestWhoIsCancelledDoesNotWaitAndIsEstimated(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	ctx, cancel := context.WithCancel(context.Background())
	stopped := errors.New("the stream stopped")
	err := client.Guard(ctx, tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 10, Wait: true,
	}, func(_ context.Context, call *tollgate.Call) error {
		_ = call.Model()
		call.OutputText = strings.Repeat("x", 400)
		cancel()
		return stopped
	})
	expect(t, "error", err, stopped)
	record := only(t, client, workspace)
	expect(t, "outcome", record.Outcome, pb.Outcome_OUTCOME_CANCELLED)
	expect(t, "source", record.UsageSource, pb.UsageSource_USAGE_SOURCE_ESTIMATED)
	expect(t, "input", record.Usage.InputTokenCount, 10)
	expect(t, "output", record.Usage.OutputTokenCount, 100)
}

func TestAPanicIsRecordedAndGoesOn(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	func() {
		defer func() { expect(t, "panic", recover(), any("out of paper")) }()
		_ = guard(client, workspace.ID, func(call *tollgate.Call) error {
			_ = call.Model()
			panic("out of paper")
		})
		t.Error("the panic was kept")
	}()
	expect(t, "outcome", only(t, client, workspace).Outcome, pb.Outcome_OUTCOME_ERROR)
}

func TestACallThatNeverStartedGivesItsHoldBack(t *testing.T) {
	for _, failure := range []error{nil, errors.New("no question")} {
		client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
		err := guard(client, workspace.ID, func(*tollgate.Call) error {
			expect(t, "holds in the block", len(workspace.Holds()), 1)
			return failure
		})
		expect(t, "error", err, failure)
		expect(t, "left", flush(client, patience), 0)
		expect(t, "holds", len(workspace.Holds()), 0)
		expect(t, "records", len(workspace.Records()), 0)
	}
}

func TestACallWithoutUsageIsEstimated(t *testing.T) {
	var log logged
	client := newClient(t, tollgate.Options{Logger: log.logger()})
	workspace := server.Workspace("", "100")
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", Prompt: strings.Repeat("ß", 41),
		MaxOutputTokens: tollgate.NoOutput,
	}, func(_ context.Context, call *tollgate.Call) error {
		_ = call.Model()
		expect(t, "held", call.Held.String(), "0.000042 USD")
		call.OutputText = "four"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	record := only(t, client, workspace)
	expect(t, "outcome", record.Outcome, pb.Outcome_OUTCOME_SUCCESS)
	expect(t, "source", record.UsageSource, pb.UsageSource_USAGE_SOURCE_ESTIMATED)
	expect(t, "input", record.Usage.InputTokenCount, 21)
	expect(t, "output", record.Usage.OutputTokenCount, 1)
	expectLogged(t, &log, "no usage was recorded")
}

func TestAStreamThatBrokeOffHasMoreThanItsBeginningSaid(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		_ = call.Model()
		call.Record(map[string]any{"type": "message_start", "message": map[string]any{
			"type": "message", "model": "gpt-4.1",
			"usage": map[string]any{"input_tokens": 7, "output_tokens": 1},
		}})
		call.OutputText = strings.Repeat("x", 40)
		return context.Canceled
	})
	expect(t, "error", err, context.Canceled)
	record := only(t, client, workspace)
	expect(t, "source", record.UsageSource, pb.UsageSource_USAGE_SOURCE_ESTIMATED)
	expect(t, "input", record.Usage.InputTokenCount, 7)
	expect(t, "output", record.Usage.OutputTokenCount, 10)
}

func TestACapRoutesAndSaysWhy(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	workspace.Cap("gpt-4.1", "0.001")
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000, MaxOutputTokens: 500,
	}, func(_ context.Context, call *tollgate.Call) error {
		expect(t, "routed", call.Routed, true)
		expect(t, "model", call.Model(), "gpt-4.1-mini")
		expect(t, "limit", call.Verdicts[0].LimitKind, "MODEL_LIMIT")
		call.Record(used)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "model", only(t, client, workspace).ModelId, "gpt-4.1-mini")
}

func TestBlockedNamesTheLimitAndItsFigures(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	workspace.Cap("gpt-4.1", "0.001")
	workspace.Fallback(false)
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000, MaxOutputTokens: 500,
		RequestID: "r1",
	}, mustNotRun(t))
	var blocked *tollgate.Blocked
	if !errors.As(err, &blocked) {
		t.Fatalf("not blocked: %v", err)
	}
	expect(t, "request id", blocked.RequestID, "r1")
	expect(t, "retry after", blocked.RetryAfter, 0)
	verdict := blocked.Verdicts[0]
	expect(t, "limit", verdict.Limit.Amount.Equal(decimal.RequireFromString("0.001")), true)
	expect(t, "need", verdict.Need.String(), "0.006 USD")
	expect(t, "reset time", verdict.ResetTime.After(time.Now()), true)
	for _, part := range []string{
		"blocked: model limit of model gpt-4.1: ",
		"(limit 0.001 USD, spent 0.00, held 0.00, need 0.006), resets 20",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	expect(t, "records", len(workspace.Records()), 0)
	expect(t, "holds", len(workspace.Holds()), 0)
}

func TestAWorkspaceWithoutAPlanRunsWhatIsFree(t *testing.T) {
	client, ctx := newClient(t, tollgate.Options{}), context.Background()
	id := tollgate.NewRequestID()
	id = "w" + id[len(id)-12:]
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(client.Workspace.CreateWorkspace(ctx, &pb.CreateWorkspaceRequest{
		Workspace: &pb.Workspace{WorkspaceId: id, CurrencyCode: "USD"},
	}))
	must(client.Catalog.UpsertModel(ctx, &pb.UpsertModelRequest{
		Model: &pb.Model{ModelId: "free"},
	}))
	must(client.Catalog.SetModelPrice(ctx, &pb.SetModelPriceRequest{
		ModelId: "free",
		Price:   &pb.Price{CurrencyCode: "USD", InputPerMillion: "0", OutputPerMillion: "0"},
	}))
	for _, model := range []string{"free", "gpt-4.1"} {
		must(client.ModelLimit.EnableModel(ctx, &pb.EnableModelRequest{
			WorkspaceId: id, ModelId: model,
		}))
	}
	must(client.APIKey.RegisterApiKey(ctx, &pb.RegisterApiKeyRequest{
		WorkspaceId: id, ApiKey: &pb.ApiKey{ApiKeyId: "web"},
	}))
	request := tollgate.Request{Workspace: id, Model: "free", InputTokens: 1, APIKey: "web"}
	must(nil, client.Guard(ctx, request, func(_ context.Context, call *tollgate.Call) error {
		expect(t, "budget state", call.BudgetState, "NO_PLAN")
		return record(call)
	}))
	request.Model = "gpt-4.1"
	var blocked *tollgate.Blocked
	if err := client.Guard(ctx, request, mustNotRun(t)); !errors.As(err, &blocked) {
		t.Fatalf("not blocked: %v", err)
	}
	expect(t, "kind of limit", blocked.Verdicts[0].LimitKind, "ENVELOPE")
}

func TestARateLimitSaysWhenToRetry(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	workspace.RateLimit("ada", 1)
	request := tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1, User: "ada",
	}
	err := client.Guard(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error { return record(call) })
	if err != nil {
		t.Fatal(err)
	}
	err = client.Guard(context.Background(), request, mustNotRun(t))
	var blocked *tollgate.Blocked
	if !errors.As(err, &blocked) {
		t.Fatalf("not blocked: %v", err)
	}
	expect(t, "reason", blocked.Reason, tollgate.ReasonRateLimited)
	expect(t, "retry after", blocked.RetryAfter > 0 && blocked.RetryAfter <= 61*time.Second, true)
	expect(t, "says so", strings.Contains(err.Error(), "; retry after "), true)
	expect(t, "names the user", strings.Contains(err.Error(), "rate limit of user ada"), true)
}

func TestDefectsOfTheCallerFailUnderBothPolicies(t *testing.T) {
	client := newClient(t, tollgate.Options{})
	for _, policy := range []tollgate.Policy{tollgate.Open, tollgate.Closed} {
		err := client.Guard(context.Background(), tollgate.Request{
			Workspace: "nobody", Model: "gpt-4.1", InputTokens: 1, OnUnavailable: policy,
		}, mustNotRun(t))
		expect(t, "code", status.Code(err), codes.NotFound)
	}
	for want, request := range map[string]tollgate.Request{
		"InputTokens, Prompt or Messages": {Workspace: "w", Model: "m"},
		"open or closed":                  {InputTokens: 1, OnUnavailable: "ajar"},
		"no service tier":                 {InputTokens: 1, ServiceTier: "fast"},
	} {
		err := client.Guard(context.Background(), request, mustNotRun(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func TestAHoldCanBeExtended(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1, Hold: 10 * time.Minute,
	}, func(ctx context.Context, call *tollgate.Call) error {
		if err := call.Extend(ctx, 2*time.Hour); err != nil {
			return err
		}
		expires := workspace.Holds()[0].ExpireTime.AsTime()
		expect(t, "lives longer", expires.After(time.Now().Add(time.Hour)), true)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecordTakesNonsense(t *testing.T) {
	var log logged
	client := newClient(t, tollgate.Options{Logger: log.logger()})
	workspace := server.Workspace("", "100")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		var none *raw
		for _, nonsense := range []any{
			nil, 42, "not json", struct{}{}, func() {}, `{"usage": "many"}`, []any{[]any{}}, none,
		} {
			call.Record(nonsense)
		}
		call.Record(chat)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "output", only(t, client, workspace).Usage.OutputTokenCount, 100)
	expectLogged(t, &log, "no usage that can be read")
}

func TestTheLastAnswerReplacesTheOneBefore(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		call.Record(tollgate.Usage{InputTokens: 9})
		call.Record(`{"usage": {
			"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8}
		}}`)
		call.Record(chat)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expectUsage(t, only(t, client, workspace).Usage, used)
}

func TestAnAnswerThatIsNotUnderstoodCostsWhatWasHeld(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	answers := []any{
		"Service temporarily unavailable", `{"usage": {"gizmo_tokens": 7}}`, 42,
		[]string{
			`{"id": "a", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}`,
			`{"id": "b", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}`,
		},
	}
	var held decimal.Decimal
	for _, answer := range answers {
		err := client.Guard(context.Background(), tollgate.Request{
			Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000, MaxOutputTokens: 500,
		}, func(_ context.Context, call *tollgate.Call) error {
			_ = call.Model()
			held = call.Held.Amount
			call.Record(answer)
			return nil
		})
		expect(t, "error", err, nil)
	}
	expect(t, "left", flush(client, patience), 0)
	expect(t, "refused", client.Stats().Refused, 0)
	for _, record := range workspace.Records() {
		expect(t, "unread", record.ProviderAnswer.GetUnread(), true)
		expect(t, "source", record.UsageSource, pb.UsageSource_USAGE_SOURCE_ESTIMATED)
		expect(t, "content", strings.Contains(record.ProviderAnswer.GetJson(), "unavail"), false)
	}
	want := held.Mul(decimal.NewFromInt(int64(len(answers))))
	expect(t, "spent", workspace.Spent().Equal(want), true)
}

func TestALongStreamIsKeptByItsUsage(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		_ = call.Model()
		for range 300 {
			call.Record(`{"object": "chat.completion.chunk", "id": "c", "model": "gpt-4.1",
				"choices": [{"delta": {"content": "SECRET"}}], "usage": null}`)
		}
		call.Record(`{"object": "chat.completion.chunk", "id": "c", "model": "gpt-4.1",
			"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}`)
		return nil
	})
	expect(t, "error", err, nil)
	record := only(t, client, workspace)
	expectUsage(t, record.Usage, used)
	kept := record.ProviderAnswer.GetJson()
	expect(t, "content", strings.Contains(kept, "SECRET"), false)
	expect(t, "has its model", strings.Contains(kept, "gpt-4.1"), true)
}

func TestAnAnswerThatWasMadeIsTakenWithItsHint(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	answer, err := tollgate.NewProviderAnswer("azure", chat)
	expect(t, "error", err, nil)
	err = guard(client, workspace.ID, func(call *tollgate.Call) error {
		call.Record(`{"usage": {"prompt_tokens": 9}}`)
		call.Record(&answer)
		call.Record((*raw)(nil))
		return nil
	})
	expect(t, "error", err, nil)
	record := only(t, client, workspace)
	expectUsage(t, record.Usage, used)
	expect(t, "provider", record.ProviderAnswer.GetProvider(), "azure")
}

// The tier that was asked for is that of an answer that names none.
func TestTheTierIsTheOneThatServed(t *testing.T) {
	for said, want := range map[string]pb.ServiceTier{
		"":        pb.ServiceTier_SERVICE_TIER_BATCH,
		"auto":    pb.ServiceTier_SERVICE_TIER_BATCH,
		"default": pb.ServiceTier_SERVICE_TIER_STANDARD,
	} {
		client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
		err := client.Guard(context.Background(), tollgate.Request{
			Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000,
			ServiceTier: tollgate.ServiceTierBatch,
		}, func(_ context.Context, call *tollgate.Call) error {
			call.Record(map[string]any{
				"service_tier": said,
				"usage":        map[string]int{"prompt_tokens": 1, "completion_tokens": 1},
			})
			return nil
		})
		expect(t, "error", err, nil)
		expect(t, said, only(t, client, workspace).ServiceTier, want)
	}
}

func TestARequestThatIsCheckedAgainIsTheNextAttempt(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	for attempt := range int32(2) {
		err := client.Guard(context.Background(), tollgate.Request{
			Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000, RequestID: "job-77",
			Wait: true,
		}, func(_ context.Context, call *tollgate.Call) error {
			expect(t, "attempt", call.Attempt, attempt)
			return record(call)
		})
		expect(t, "error", err, nil)
	}
	expect(t, "records", len(workspace.Records()), 2)
	expect(t, "holds", len(workspace.Holds()), 0)
	expectSpent(t, workspace, 2)
}

func TestUnitsAndFactorsAreRecorded(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		call.Record(tollgate.Usage{
			InputTokens: 10,
			Units:       map[tollgate.UnitKind]int64{"WEB_SEARCH": 3},
			Factors:     []string{"us"},
		})
		return nil
	})
	expect(t, "error", err, nil)
	record := only(t, client, workspace)
	expect(t, "units", record.Usage.Units[0].Count, 3)
	expect(t, "factors", strings.Join(record.Factors, " "), "us")
}

func TestATokenizerThatPanicsIsNoReasonToFail(t *testing.T) {
	var log logged
	client := newClient(t, tollgate.Options{
		Logger:    log.logger(),
		Tokenizer: func(string) int { panic("no vocabulary") },
	})
	workspace := server.Workspace("", "100")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		_ = call.Model()
		call.OutputText = "some"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	expectLogged(t, &log, "no vocabulary")
	err = guard(client, workspace.ID, func(call *tollgate.Call) error {
		call.OutputText = "some"
		return record(call)
	})
	expect(t, "error", err, nil)
	err = guard(client, workspace.ID, func(call *tollgate.Call) error {
		call.OutputText = "some"
		call.Record(chat)
		return nil
	})
	expect(t, "error", err, nil)
	expect(t, "left", flush(client, patience), 0)
	expect(t, "records of what needs no estimate", len(workspace.Records()), 2)
}

func mustNotRun(t *testing.T) func(context.Context, *tollgate.Call) error {
	return func(context.Context, *tollgate.Call) error {
		t.Error("the block must not run")
		return nil
	}
}

func expectLogged(t *testing.T, log *logged, part string) {
	t.Helper()
	if !strings.Contains(log.String(), part) {
		t.Errorf("the log lacks %q:\n%s", part, log)
	}
}
