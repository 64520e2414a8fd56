package tollgate_test

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
	"tollgate.example/go/internal/testserver"
)

func TestTheGrammarOfAddresses(t *testing.T) {
	file := readShared[struct {
		Dialled []struct {
			Address, Target string
			TLS             bool
		}
		Refused []string
	}](t, "address.json")
	for _, dialled := range file.Dialled {
		target, isTLS, err := tollgate.ParseAddress(dialled.Address, false)
		expect(t, dialled.Address, err, nil)
		expect(t, dialled.Address, target, dialled.Target)
		expect(t, dialled.Address, isTLS, dialled.TLS)
		shutdown(newClient(t, tollgate.Options{Address: dialled.Address}), 0)
	}
	for _, address := range file.Refused {
		_, err := tollgate.New(tollgate.Options{Address: address})
		switch {
		case err == nil:
			t.Errorf("taken: %s", address)
		case !strings.Contains(err.Error(), "cannot be dialled"),
			strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"http://127.0.0.1:1", "unix:/run/a"} {
		_, err := tollgate.New(tollgate.Options{Address: address, TLS: &tls.Config{}})
		if err == nil || !strings.Contains(err.Error(), "plaintext") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// isUnchecked runs a guard that records something, and says whether it ran unchecked.
func isUnchecked(t *testing.T, client *tollgate.Client) (unchecked bool) {
	t.Helper()
	err := guard(client, "acme", func(call *tollgate.Call) error {
		unchecked = call.Unchecked
		return record(call)
	})
	expect(t, "error", err, nil)
	return unchecked
}

func TestWhileAServerHangsOneCallWaitsAndItIsFoundAgain(t *testing.T) {
	own := testserver.New(t)
	own.Workspace("acme", "100")
	client := newClient(t, tollgate.Options{Address: own.Address, Timeout: time.Second})
	other := newClient(t, tollgate.Options{
		Address: own.Address, Timeout: time.Second, BreakDuration: time.Minute,
	})
	for _, client := range []*tollgate.Client{client, other} {
		expect(t, "unchecked", isUnchecked(t, client), false)
		expect(t, "left", flush(client, patience), 0)
	}
	own.Pause()
	expect(t, "unchecked", isUnchecked(t, other), true)
	begin := time.Now()
	for range 50 {
		expect(t, "unchecked", isUnchecked(t, other), true)
	}
	var unavailable *tollgate.Unavailable
	for _, request := range []tollgate.Request{
		{OnUnavailable: tollgate.Closed},
		{Wait: true},
	} {
		request.Workspace, request.Model, request.InputTokens = "acme", "gpt-4.1", 1
		err := other.Guard(context.Background(), request,
			func(_ context.Context, call *tollgate.Call) error { return record(call) })
		if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "earlier call") {
			t.Errorf("it ended with %v", err)
		}
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("it took %s, and one call would have taken as long as that", took)
	}
	expect(t, "unchecked", isUnchecked(t, client), true)
	own.Resume()
	isFoundAgain := func() {
		for begin := time.Now(); isUnchecked(t, client); time.Sleep(50 * time.Millisecond) {
			if time.Since(begin) > patience {
				t.Fatal("it is not found again")
			}
		}
	}
	isFoundAgain()
	own.Kill()
	expect(t, "unchecked", isUnchecked(t, client), true)
	own.Start()
	isFoundAgain()
	expect(t, "left", flush(client, patience), 0)
}

func TestWhoGivesUpLeavesItToTheNextToFindOut(t *testing.T) {
	own := testserver.New(t)
	own.Workspace("acme", "100")
	client := newClient(t, tollgate.Options{
		Address: own.Address, Timeout: patience, BreakDuration: 100 * time.Millisecond,
	})
	request := tollgate.Request{Workspace: "acme", Model: "gpt-4.1", InputTokens: 1}
	own.Kill()
	expect(t, "unchecked", isUnchecked(t, client), true)
	own.Start()
	own.Pause()
	time.Sleep(150 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err := client.Guard(ctx, request, mustNotRun(t))
	expect(t, "given up", errors.Is(err, context.DeadlineExceeded), true)
	own.Resume()
	expect(t, "unchecked", isUnchecked(t, client), false)
}

func TestWithoutABreakEveryCallAsks(t *testing.T) {
	fake := newFake(t, busy)
	client := newClient(t, tollgate.Options{Address: fake.address, BreakDuration: -1})
	for range 3 {
		expect(t, "unchecked", isUnchecked(t, client), true)
	}
	expect(t, "checks", fake.counts()["CheckAndRoute"], 9)
}

func TestWhoNeverReachedAServerSaysSoLoudly(t *testing.T) {
	log := &logged{}
	client := newClient(t, tollgate.Options{Address: nowhere, Logger: log.logger()})
	for range 5 {
		expect(t, "unchecked", isUnchecked(t, client), true)
	}
	expectLogged(t, log, "level=ERROR msg=\"tollgate has NEVER answered at "+nowhere)
	expect(t, "said once", strings.Count(log.String(), "NEVER"), 1)

	own, log := testserver.New(t), &logged{}
	client = newClient(t, tollgate.Options{Address: own.Address, Logger: log.logger()})
	expect(t, "ready", client.Ready(context.Background()), nil)
	own.Kill()
	expect(t, "unchecked", isUnchecked(t, client), true)
	expectLogged(t, log, "running unchecked")
	if strings.Contains(log.String(), "NEVER") {
		t.Error(log)
	}
}

func TestReadyLetsAProgramFailAtItsStart(t *testing.T) {
	t.Parallel()
	expect(t, "ready", newClient(t, tollgate.Options{}).Ready(context.Background()), nil)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	err := newClient(t, tollgate.Options{Address: nowhere}).Ready(ctx)
	var unavailable *tollgate.Unavailable
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), nowhere) {
		t.Errorf("it ended with %v", err)
	}
	denied := newFake(t, func(context.Context) error {
		return status.Error(codes.Unauthenticated, "no credentials")
	})
	err = newClient(t, tollgate.Options{Address: denied.address}).Ready(context.Background())
	expect(t, "code", status.Code(err), codes.Unauthenticated)
}

func TestACountThatCanBeNoneIsRefusedAndCounted(t *testing.T) {
	log := &logged{}
	client := newClient(t, tollgate.Options{Logger: log.logger()})
	workspace := server.Workspace("", "100")
	for _, usage := range []tollgate.Usage{
		{InputTokens: -1},
		{OutputTokens: 1<<53 + 1},
		{ImageOutputTokens: math.MaxInt64},
		{Units: map[tollgate.UnitKind]int64{"IMAGE": -1}},
	} {
		for _, wait := range []bool{false, true} {
			err := client.Guard(context.Background(), tollgate.Request{
				Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1, Wait: wait,
			}, func(_ context.Context, call *tollgate.Call) error {
				call.Record(usage)
				return nil
			})
			want := codes.OK
			if wait {
				want = codes.InvalidArgument
			}
			expect(t, "code", status.Code(err), want)
		}
	}
	expectLogged(t, log, "expected a whole number from 0 to 2^53")
	expect(t, "stats", client.Stats(), tollgate.Stats{Refused: 8})
	expectSpent(t, workspace, 0)
	// What the server refuses counts alike.
	err := client.Guard(context.Background(), tollgate.Request{
		Workspace: workspace.ID, Model: "gpt-4.1", InputTokens: 1, Wait: true,
	}, func(_ context.Context, call *tollgate.Call) error {
		call.Record(tollgate.Usage{InputTokens: 1_000_000_000_000})
		return nil
	})
	expect(t, "code", status.Code(err), codes.InvalidArgument)
	expect(t, "stats", client.Stats(), tollgate.Stats{Refused: 9})
}
