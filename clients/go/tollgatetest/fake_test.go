package tollgatetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
	"tollgate.example/go/tollgatetest"
)

var used = tollgate.Usage{InputTokens: 1000, OutputTokens: 100}

func ask() tollgate.Request {
	return tollgate.Request{Workspace: "acme", Model: "gpt-4.1", InputTokens: 1000, User: "ada"}
}

// run gives the model that the guard runs on.
func run(client *tollgate.Client, request tollgate.Request) (string, error) {
	return tollgate.Guard(context.Background(), client, request,
		func(_ context.Context, call *tollgate.Call) (string, error) {
			call.Record(used)
			return call.Model(), nil
		})
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func flush(t *testing.T, client *tollgate.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	expect(t, "left", client.Flush(ctx), 0)
}

func TestItAnswersAsItIsToldAndKeepsWhatItIsGiven(t *testing.T) {
	fake := tollgatetest.New(t)
	client := fake.Client(t, tollgate.Options{Timeout: time.Minute})
	expect(t, "ready", client.Ready(context.Background()), nil)
	model, err := run(client, ask())
	expect(t, "model", model, "gpt-4.1")
	expect(t, "error", err, nil)
	flush(t, client)
	expect(t, "input", fake.Records()[0].Usage.InputTokenCount, used.InputTokens)
	expect(t, "user", fake.Checks()[0].Attribution.UserId, "ada")

	fake.Route("gpt-4.1-mini")
	waiting := ask()
	waiting.Wait = true
	model, err = run(client, waiting)
	expect(t, "model", model, "gpt-4.1-mini")
	expect(t, "error", err, nil)
	expect(t, "recorded", fake.Records()[1].ModelId, "gpt-4.1-mini")

	fake.Block(tollgate.ReasonRateLimited, 9*time.Second)
	_, err = run(client, ask())
	var blocked *tollgate.Blocked
	if !errors.As(err, &blocked) {
		t.Fatal(err)
	}
	expect(t, "reason", blocked.Reason, tollgate.ReasonRateLimited)
	expect(t, "verdict", blocked.Verdicts[0].Reason, tollgate.ReasonRateLimited)
	expect(t, "wait", blocked.RetryAfter, 9*time.Second)

	fake.Allow()
	idle := ask()
	idle.RequestID = "idle"
	own := errors.New("its own")
	_, err = tollgate.Guard(context.Background(), client, idle,
		func(context.Context, *tollgate.Call) (int, error) { return 0, own })
	expect(t, "error", err, own)
	flush(t, client)
	expect(t, "released", fake.Releases()[0].RequestId, "idle")
	_, err = client.Budget.GetBudget(context.Background(), &pb.GetBudgetRequest{})
	expect(t, "code", status.Code(err), codes.Unimplemented)
}

func TestItFailsAsItIsTold(t *testing.T) {
	fake := tollgatetest.New(t)
	client := fake.Client(t, tollgate.Options{
		OnUnavailable: tollgate.Closed, BreakDuration: -1,
	})
	fake.Fail(codes.Unavailable)
	var unavailable *tollgate.Unavailable
	if _, err := run(client, ask()); !errors.As(err, &unavailable) {
		t.Error(err)
	}
	open := ask()
	open.OnUnavailable = tollgate.Open
	_, err := run(client, open)
	expect(t, "error", err, nil)
	expect(t, "records", len(fake.Records()), 0)
	expect(t, "queued", client.Stats().Queued, 1)
	fake.Fail(codes.NotFound)
	_, err = run(client, ask())
	expect(t, "code", status.Code(err), codes.NotFound)
	fake.Allow()
	flush(t, client)
}

func TestAReasonThatThereIsNotPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it is taken")
		}
	}()
	tollgatetest.New(t).Block("LAZY", 0)
}

func TestAResumedCallHasAValueToo(t *testing.T) {
	fake := tollgatetest.New(t)
	client := fake.Client(t, tollgate.Options{})
	value, err := tollgate.Resume(context.Background(), client,
		tollgate.ResumeRequest{Workspace: "acme", RequestID: "job"},
		func(_ context.Context, call *tollgate.Call) (string, error) {
			call.Record(used)
			return "done", nil
		})
	expect(t, "error", err, nil)
	expect(t, "value", value, "done")
	flush(t, client)
	expect(t, "recorded", fake.Records()[0].RequestId, "job")
}
