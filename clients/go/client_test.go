package tollgate_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

// fake answers every call in the same way, and keeps what it was asked.
type fake struct {
	address string
	answer  func(ctx context.Context) error

	mu    sync.Mutex
	calls map[string][]metadata.MD // By the name of the method.
	left  []time.Duration          // Until the deadline.
}

func newFake(t *testing.T, answer func(context.Context) error, opts ...grpc.ServerOption) *fake {
	t.Helper()
	f := &fake{answer: answer, calls: map[string][]metadata.MD{}}
	opts = append(opts, grpc.UnknownServiceHandler(f.handle))
	f.address = serve(t, grpc.NewServer(opts...))
	return f
}

// serve gives the address at which it serves until the end of the test.
func serve(t *testing.T, server *grpc.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func (f *fake) handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	headers, _ := metadata.FromIncomingContext(stream.Context())
	f.mu.Lock()
	name := method[strings.LastIndex(method, "/")+1:]
	f.calls[name] = append(f.calls[name], headers)
	if deadline, ok := stream.Context().Deadline(); ok {
		f.left = append(f.left, time.Until(deadline))
	}
	f.mu.Unlock()
	if err := f.answer(stream.Context()); err != nil {
		return err
	}
	return stream.SendMsg(&pb.CheckAndRouteResponse{})
}

func (f *fake) counts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[string]int{}
	for name, calls := range f.calls {
		counts[name] = len(calls)
	}
	return counts
}

func busy(context.Context) error { return status.Error(codes.Unavailable, "busy") }

func TestOnlyWhatIsIdempotentByItsIdIsRepeated(t *testing.T) {
	t.Parallel()
	fake := newFake(t, busy)
	client := newClient(t, tollgate.Options{Address: fake.address})
	ctx := context.Background()
	for _, call := range []func() error{
		func() error {
			_, err := client.Usage.CheckAndRoute(ctx, &pb.CheckAndRouteRequest{})
			return err
		},
		func() error { _, err := client.Usage.RecordUsage(ctx, &pb.RecordUsageRequest{}); return err },
		func() error {
			_, err := client.Usage.RecordUsageBatch(ctx, &pb.RecordUsageBatchRequest{})
			return err
		},
		func() error { _, err := client.Usage.ReleaseHold(ctx, &pb.ReleaseHoldRequest{}); return err },
		func() error { _, err := client.Usage.ExtendHold(ctx, &pb.ExtendHoldRequest{}); return err },
		func() error { _, err := client.Usage.RepriceUsage(ctx, &pb.RepriceUsageRequest{}); return err },
		func() error { _, err := client.Budget.SetPlan(ctx, &pb.SetPlanRequest{}); return err },
	} {
		expect(t, "code", status.Code(call()), codes.Unavailable)
	}
	want := map[string]int{
		"CheckAndRoute": 3, "RecordUsage": 3, "RecordUsageBatch": 3, "ReleaseHold": 3,
		"ExtendHold": 1, "RepriceUsage": 1, "SetPlan": 1,
	}
	if got := fake.counts(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOnlyUnavailableIsRepeated(t *testing.T) {
	fake := newFake(t, func(context.Context) error {
		return status.Error(codes.ResourceExhausted, "too much")
	})
	client := newClient(t, tollgate.Options{Address: fake.address})
	_, err := client.Usage.CheckAndRoute(context.Background(), &pb.CheckAndRouteRequest{})
	expect(t, "code", status.Code(err), codes.ResourceExhausted)
	expect(t, "calls", fake.counts()["CheckAndRoute"], 1)
}

func TestCallsSayWhoTheyAreAndHaveADeadline(t *testing.T) {
	fake := newFake(t, func(context.Context) error { return nil })
	client := newClient(t, tollgate.Options{
		Address: fake.address, Token: "secret", Timeout: 10 * time.Minute,
	})
	ctx := metadata.AppendToOutgoingContext(context.Background(), "tollgate-actor", "grace")
	if _, err := client.Usage.CheckAndRoute(ctx, &pb.CheckAndRouteRequest{}); err != nil {
		t.Fatal(err)
	}
	// One's own deadline stays; a stream has none.
	longer, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	if _, err := client.Budget.GetBudget(longer, &pb.GetBudgetRequest{}); err != nil {
		t.Fatal(err)
	}
	watch, err := client.Budget.WatchSpend(ctx, &pb.WatchSpendRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	fake.mu.Lock()
	defer fake.mu.Unlock()
	for _, name := range []string{"CheckAndRoute", "GetBudget", "WatchSpend"} {
		headers := fake.calls[name][0]
		expect(t, name, strings.Join(headers["authorization"], ","), "Bearer secret")
		expect(t, name, strings.Join(headers["tollgate-actor"], ","), "grace")
		agent := strings.Join(headers["user-agent"], ",")
		expect(t, agent, strings.HasPrefix(agent, "tollgate-go/"+tollgate.Version+" "), true)
	}
	expect(t, "deadlines", len(fake.left), 2)
	left := fake.left[0]
	expect(t, "the client's", left > time.Minute && left <= 10*time.Minute, true)
	expect(t, "one's own", fake.left[1] > 10*time.Minute, true)
}

func TestATokenIsKeptOffTheOpenNetwork(t *testing.T) {
	for address, fine := range map[string]bool{
		"tollgate.example:443":          false,
		"192.0.2.1:50051":               false,
		"localhost.tollgate.example:80": false,
		"127.tollgate.example:80":       false,
		"127.0.0.1:50051":               true,
		"localhost:50051":               true,
		"[::1]:50051":                   true,
		"unix:/run/tollgate.sock":       true,
	} {
		client, err := tollgate.New(tollgate.Options{Address: address, Token: "secret"})
		if err == nil {
			shutdown(client, 0)
		}
		expect(t, address, err == nil, fine)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the token is in %q", err)
		}
	}
	newClient(t, tollgate.Options{
		Address: "tollgate.example:443", Token: "secret", TLS: &tls.Config{},
	})
}

func TestATokenIsNotPrinted(t *testing.T) {
	options := tollgate.Options{Address: "127.0.0.1:1", Token: "secret"}
	client := newClient(t, options)
	outer := struct {
		client  *tollgate.Client
		Options tollgate.Options
	}{client, options}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, value := range []any{options, &options, client, *client, outer} {
			text := fmt.Sprintf(verb, value)
			if strings.Contains(text, "secret") || strings.Contains(text, "736563726574") {
				t.Errorf("%s of %T: %s", verb, value, text)
			}
		}
	}
}

func TestATokenSourceIsAskedBeforeEachCall(t *testing.T) {
	var sent []string
	fake := newFake(t, func(ctx context.Context) error {
		received, _ := metadata.FromIncomingContext(ctx)
		sent = append(sent, received.Get("authorization")...)
		return nil
	})
	tokens := []string{"first", " second\n", "two words", "third"}
	client := newClient(t, tollgate.Options{
		Address: fake.address, Timeout: patience,
		TokenSource: func(context.Context) (string, error) {
			if len(tokens) == 0 {
				return "", errors.New("none is left")
			}
			token := tokens[0]
			tokens = tokens[1:]
			return token, nil
		},
	})
	ask := func(ctx context.Context) error {
		_, err := client.Budget.GetBudget(ctx, &pb.GetBudgetRequest{})
		return err
	}
	own := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer own")
	expect(t, "error", errors.Join(ask(t.Context()), ask(t.Context()), ask(own)), nil)
	expect(t, "two words", status.Code(ask(t.Context())), codes.Unauthenticated)
	expect(t, "error", ask(t.Context()), nil)
	err := ask(t.Context())
	expect(t, "none", status.Code(err), codes.Unauthenticated)
	expect(t, "why", strings.Contains(err.Error(), "none is left"), true)
	want := []string{"Bearer first", "Bearer second", "Bearer own", "Bearer third"}
	expect(t, "sent", slices.Equal(sent, want), true)
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, options := range []tollgate.Options{
		{OnUnavailable: "ajar"}, {QueueMax: -1}, {Timeout: -1}, {FlushTimeout: -1},
		{Token: "two words"}, {Token: "a", TokenSource: func(context.Context) (string, error) {
			return "b", nil
		}},
	} {
		if _, err := tollgate.New(options); err == nil {
			t.Errorf("taken: %+v", options)
		}
	}
}

func TestAnAddressMaySayItsScheme(t *testing.T) {
	workspace := server.Workspace("", "100")
	for _, address := range []string{
		"http://" + server.Address, "HTTP://" + server.Address + "/",
	} {
		client := newClient(t, tollgate.Options{Address: address, Token: "secret"})
		err := guard(client, workspace.ID, func(call *tollgate.Call) error {
			expect(t, "checked", call.Unchecked, false)
			return nil
		})
		expect(t, address, err, nil)
	}
	for _, address := range []string{"https://192.0.2.1:50051", "https://tollgate.example"} {
		client, err := tollgate.New(tollgate.Options{Address: address, Token: "secret"})
		expect(t, address, err, nil)
		shutdown(client, 0)
	}
	for _, options := range []tollgate.Options{
		{Address: "http://192.0.2.1:50051", Token: "secret"},
		{Address: "http://127.0.0.1:50051", TLS: &tls.Config{}},
	} {
		if _, err := tollgate.New(options); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v", options, err)
		}
	}
}

func TestTLS(t *testing.T) {
	// Only for its certificate, which is that of example.com and 127.0.0.1.
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	web.Close()
	fake := newFake(t, func(context.Context) error { return nil },
		grpc.Creds(credentials.NewServerTLSFromCert(&web.TLS.Certificates[0])))
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	options := tollgate.Options{
		Address: fake.address, Token: "secret", TLS: &tls.Config{RootCAs: roots},
	}
	_, err := newClient(t, options).Budget.GetBudget(context.Background(), &pb.GetBudgetRequest{})
	expect(t, "error", err, nil)
	options.TLS = &tls.Config{}
	_, err = newClient(t, options).Budget.GetBudget(context.Background(), &pb.GetBudgetRequest{})
	expect(t, "code for unknown roots", status.Code(err), codes.Unavailable)
	expect(t, "calls", fake.counts()["GetBudget"], 1)
}

func TestWhoIsCancelledDuringTheCheckGetsTheHoldReleased(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	released := make(chan struct{})
	var once sync.Once
	fake := newFake(t, func(call context.Context) error {
		method, _ := grpc.Method(call)
		if strings.HasSuffix(method, "/ReleaseHold") {
			once.Do(func() { close(released) })
			return nil
		}
		cancel()
		<-call.Done()
		return call.Err()
	})
	client := newClient(t, tollgate.Options{Address: fake.address})
	err := client.Guard(ctx, tollgate.Request{Workspace: "w", Model: "m", InputTokens: 1},
		mustNotRun(t))
	expect(t, "cancelled", errors.Is(err, context.Canceled), true)
	select {
	case <-released:
	case <-time.After(patience):
		t.Error("the hold was not released")
	}
}

func TestWhoIsCancelledWhileWaitingLosesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	fake := newFake(t, func(call context.Context) error {
		if method, _ := grpc.Method(call); !strings.HasSuffix(method, "/RecordUsage") {
			return nil
		}
		cancel()
		<-call.Done()
		return call.Err()
	})
	client := newClient(t, tollgate.Options{Address: fake.address})
	request := tollgate.Request{Workspace: "w", Model: "m", InputTokens: 1, Wait: true}
	err := client.Guard(ctx, request,
		func(_ context.Context, call *tollgate.Call) error { return record(call) })
	expect(t, "cancelled", errors.Is(err, context.Canceled), true)
	// The fake answers the batch without results, which is refused.
	expect(t, "left", flush(client, patience), 0)
	expect(t, "was sent again", fake.counts()["RecordUsageBatch"], 1)
	expect(t, "refused", client.Stats().Refused, 1)
}

func TestWhoGivesUpDoesNotWait(t *testing.T) {
	fake := newFake(t, func(context.Context) error { return nil })
	client := newClient(t, tollgate.Options{Address: fake.address})
	request := tollgate.Request{Workspace: "w", Model: "m", InputTokens: 1, Wait: true}
	err := client.Guard(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error {
			call.Record(used)
			return context.Canceled
		})
	expect(t, "error", err, context.Canceled)
	expect(t, "left", flush(client, patience), 0)
	want := map[string]int{"CheckAndRoute": 1, "RecordUsageBatch": 1}
	if got := fake.counts(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReleasesThatAreNotAnsweredDoNotHoldUpRecords(t *testing.T) {
	t.Parallel()
	// Every release waits for a turn to fail, as one that is not answered in time.
	tried, fail := make(chan struct{}, 1000), make(chan struct{})
	recorded := make(chan int, 1)
	fake := newFake(t, func(call context.Context) error {
		switch method, _ := grpc.Method(call); method[strings.LastIndex(method, "/")+1:] {
		case "ReleaseHold":
			tried <- struct{}{}
			<-fail
			return status.Error(codes.DeadlineExceeded, "late")
		case "RecordUsageBatch":
			recorded <- len(tried)
		}
		return nil
	})
	client := newClient(t, tollgate.Options{Address: fake.address})
	for range 20 {
		expect(t, "error", guard(client, "w", func(*tollgate.Call) error { return nil }), nil)
	}
	// The second try is that of a batch of many.
	<-tried
	fail <- struct{}{}
	<-tried
	expect(t, "error", guard(client, "w", record), nil)
	close(fail)
	expect(t, "further releases before the record", <-recorded, 0)
}

func TestRequestIDsAreInTheOrderOfTime(t *testing.T) {
	var ids []string
	for range 3 {
		ids = append(ids, tollgate.NewRequestID())
		for begin := time.Now().UnixMilli(); time.Now().UnixMilli() == begin; {
		}
	}
	expect(t, "sorted", slices.IsSorted(ids), true)
	expect(t, "length", len(ids[0]), 36)
	expect(t, "version", ids[0][14], '7')
}
