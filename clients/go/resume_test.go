package tollgate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

const (
	queued = `{"id": "resp_1", "object": "response", "status": "queued", "background": true,
		"model": "gpt-4.1", "output": [], "usage": null}`
	completed = `{"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-4.1",
		"usage": {"input_tokens": 1000, "output_tokens": 100}}`
)

// resume goes on with a call and hands an answer over, if there is one.
func resume(client *tollgate.Client, workspace, id string, answer any, failure error) error {
	request := tollgate.ResumeRequest{Workspace: workspace, RequestID: id}
	return client.Resume(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error {
			call.Record(answer)
			return failure
		})
}

func TestAnAnswerThatComesLaterIsRecordedOnce(t *testing.T) {
	workspace := server.Workspace("", "100")
	var id string
	begin := newClient(t, tollgate.Options{})
	err := guard(begin, workspace.ID, func(call *tollgate.Call) error {
		_ = call.Model()
		call.Record(queued)
		id = call.RequestID
		return nil
	})
	expect(t, "error", err, nil)
	expect(t, "left", flush(begin, patience), 0)
	expect(t, "records", len(workspace.Records()), 0)
	expires := workspace.Holds()[0].ExpireTime.AsTime()
	expect(t, "lives for a day", expires.After(time.Now().Add(23*time.Hour)), true)

	down := errors.New("the provider is down")
	other := newClient(t, tollgate.Options{})
	expect(t, "a poll", resume(other, workspace.ID, id, queued, nil), nil)
	expect(t, "a poll that fails", resume(other, workspace.ID, id, nil, down), down)
	for _, answer := range []any{queued, "Service temporarily unavailable", map[string]any{"x": 1}} {
		expect(t, "one that fails later", resume(other, workspace.ID, id, answer, down), down)
	}
	expect(t, "left", flush(other, patience), 0)
	expect(t, "records", len(workspace.Records()), 0)
	expect(t, "holds", len(workspace.Holds()), 1)

	for _, client := range []*tollgate.Client{begin, other, other} {
		expect(t, "the answer", resume(client, workspace.ID, id, completed, nil), nil)
		expect(t, "left", flush(client, patience), 0)
		expect(t, "refused", client.Stats().Refused, 0)
	}
	record := only(t, other, workspace)
	expect(t, "request id", record.RequestId, id)
	expectUsage(t, record.Usage, used)
	expect(t, "holds", len(workspace.Holds()), 0)
	expectSpent(t, workspace, 1)
}

func TestResumeKnowsTheModelAndTheAttemptOfTheHold(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	request := tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 10, RequestID: "again",
	}
	for _, answer := range []any{used, queued} {
		err := client.Guard(context.Background(), request,
			func(_ context.Context, call *tollgate.Call) error {
				call.Record(answer)
				return nil
			})
		expect(t, "error", err, nil)
		expect(t, "left", flush(client, patience), 0)
	}
	err := client.Resume(context.Background(),
		tollgate.ResumeRequest{Workspace: workspace.ID, RequestID: "again", Wait: true},
		func(_ context.Context, call *tollgate.Call) error {
			expect(t, "model", call.Model(), "gpt-4.1")
			expect(t, "attempt", call.Attempt, 1)
			expect(t, "held", call.Held != nil, true)
			call.Record(`{"usage": {"input_tokens": 10, "output_tokens": 5}}`)
			return nil
		})
	expect(t, "error", err, nil)
	records := workspace.Records()
	expect(t, "records", len(records), 2)
	expect(t, "attempts", records[0].Attempt+records[1].Attempt, 1)
	expect(t, "holds", len(workspace.Holds()), 0)
	err = client.Resume(context.Background(), tollgate.ResumeRequest{Workspace: workspace.ID}, nil)
	expect(t, "without an id", err != nil, true)
}

func TestAHoldIsKeptAliveWhileItsAnswerIsAwaited(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1000, Hold: 2 * time.Second,
	}, func(_ context.Context, call *tollgate.Call) error {
		_ = call.Model()
		call.Record(queued)
		time.Sleep(4 * time.Second)
		expect(t, "holds", len(workspace.Holds()), 1)
		expect(t, "state", workspace.Holds()[0].State, pb.HoldState_HOLD_STATE_LIVE)
		call.Record(completed)
		return nil
	})
	expect(t, "error", err, nil)
	expectUsage(t, only(t, client, workspace).Usage, used)
	expect(t, "holds", len(workspace.Holds()), 0)
}

func TestWhatTheProviderSaysOfTheEndCounts(t *testing.T) {
	for status, outcome := range map[string]pb.Outcome{
		"failed":    pb.Outcome_OUTCOME_ERROR,
		"cancelled": pb.Outcome_OUTCOME_CANCELLED,
	} {
		client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
		err := guard(client, workspace.ID, func(call *tollgate.Call) error {
			call.Record(queued)
			call.Record(map[string]any{"object": "response", "status": status})
			return nil
		})
		expect(t, "error", err, nil)
		record := only(t, client, workspace)
		expect(t, status, record.Outcome, outcome)
		expectUsage(t, record.Usage, tollgate.Usage{})
	}
}

// The first event of a stream is in progress, too, but its answer cannot be polled.
func TestAStreamThatIsCutIsNoPromise(t *testing.T) {
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		call.Record(`{"type": "response.created", "response": {
			"id": "resp_1", "status": "in_progress", "model": "gpt-4.1", "background": false
		}}`)
		return context.Canceled
	})
	expect(t, "error", err, context.Canceled)
	expect(t, "outcome", only(t, client, workspace).Outcome, pb.Outcome_OUTCOME_CANCELLED)
	expect(t, "holds", len(workspace.Holds()), 0)
}
