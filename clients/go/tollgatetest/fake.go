// Package tollgatetest is for unit tests of your own code: a fake Tollgate server in this process,
// with the answers that you set.
//
//	fake := tollgatetest.New(t)
//	fake.Block(tollgate.ReasonExhausted, 0)
//	client := fake.Client(t, tollgate.Options{})
package tollgatetest

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

// Fake is a server that answers every check with the decision that was set last, and keeps the
// requests that it receives.
//
// Everything is allowed until another decision is set. It has no limits and no prices: costs are
// zero. Methods other than those of the guard are UNIMPLEMENTED.
type Fake struct {
	// Address is where it listens, on loopback.
	Address string

	mu       sync.Mutex
	answer   *pb.CheckAndRouteResponse
	failure  codes.Code
	checks   []*pb.CheckAndRouteRequest
	records  []*pb.RecordUsageRequest
	releases []*pb.ReleaseHoldRequest
}

// New begins to listen, until the end of the test.
func New(t testing.TB) *Fake {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake := &Fake{Address: listener.Addr().String()}
	fake.Allow()
	server := grpc.NewServer(grpc.UnaryInterceptor(fake.intercept))
	pb.RegisterUsageServiceServer(server, &usage{fake: fake})
	pb.RegisterAccessServiceServer(server, &access{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return fake
}

// Client makes a client of it, which is closed at the end of the test. The Address of the options is
// not used.
func (f *Fake) Client(t testing.TB, options tollgate.Options) *tollgate.Client {
	t.Helper()
	options.Address = f.Address
	client, err := tollgate.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		client.Shutdown(ctx)
	})
	return client
}

// Allow allows checks from now on.
func (f *Fake) Allow() {
	f.say(&pb.CheckAndRouteResponse{Decision: pb.Decision_DECISION_ALLOWED})
}

// Block blocks checks from now on, for a reason such as [tollgate.ReasonExhausted]; retryAfter is 0 where no wait
// helps. It panics if there is no such reason.
func (f *Fake) Block(reason tollgate.Reason, retryAfter time.Duration) {
	number, ok := pb.Reason_value["REASON_"+string(reason)]
	if !ok {
		panic("tollgatetest: there is no reason " + string(reason))
	}
	answer := &pb.CheckAndRouteResponse{
		Decision: pb.Decision_DECISION_BLOCKED,
		Reason:   pb.Reason(number),
		Verdicts: []*pb.Verdict{{Reason: pb.Reason(number), Blocking: true}},
	}
	if retryAfter > 0 {
		answer.RetryAfter = durationpb.New(retryAfter)
	}
	f.say(answer)
}

// Route leads checks to another model from now on.
func (f *Fake) Route(model string) {
	f.say(&pb.CheckAndRouteResponse{
		Decision: pb.Decision_DECISION_ROUTED, ModelId: model, Reason: pb.Reason_REASON_EXHAUSTED,
	})
}

// Fail fails every call from now on, also records: with codes.Unavailable as if there were no server.
func (f *Fake) Fail(code codes.Code) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failure = code
}

// Checks are what it was asked.
func (f *Fake) Checks() []*pb.CheckAndRouteRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.checks)
}

// Records are what it was given: [tollgate.Client.Flush] before.
func (f *Fake) Records() []*pb.RecordUsageRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// Releases are the holds that it was given back, as of calls that never started.
func (f *Fake) Releases() []*pb.ReleaseHoldRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.releases)
}

func (f *Fake) say(answer *pb.CheckAndRouteResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer, f.failure = answer, codes.OK
}

// intercept answers one call at a time.
func (f *Fake) intercept(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure != codes.OK {
		return nil, status.Error(f.failure, "as the test wants it")
	}
	return handle(ctx, request)
}

type access struct {
	pb.UnimplementedAccessServiceServer
}

func (*access) WhoAmI(context.Context, *pb.WhoAmIRequest) (*pb.WhoAmIResponse, error) {
	return &pb.WhoAmIResponse{}, nil
}

type usage struct {
	pb.UnimplementedUsageServiceServer
	fake *Fake
}

func (u *usage) CheckAndRoute(_ context.Context, check *pb.CheckAndRouteRequest) (
	*pb.CheckAndRouteResponse, error,
) {
	u.fake.checks = append(u.fake.checks, check)
	said := u.fake.answer
	answer := &pb.CheckAndRouteResponse{
		Decision: said.Decision, Reason: said.Reason, Verdicts: said.Verdicts,
		RetryAfter: said.RetryAfter, RequestId: check.RequestId, ModelId: said.ModelId,
		Held: nothing(),
	}
	if answer.ModelId == "" {
		answer.ModelId = check.ModelId
	}
	return answer, nil
}

func (u *usage) RecordUsage(_ context.Context, record *pb.RecordUsageRequest) (
	*pb.RecordUsageResponse, error,
) {
	u.fake.records = append(u.fake.records, record)
	return &pb.RecordUsageResponse{
		Cost: nothing(), Usage: record.Usage, ModelId: record.ModelId, Attempt: record.Attempt,
	}, nil
}

func (u *usage) RecordUsageBatch(ctx context.Context, batch *pb.RecordUsageBatchRequest) (
	*pb.RecordUsageBatchResponse, error,
) {
	answer := &pb.RecordUsageBatchResponse{}
	for _, record := range batch.Records {
		made, err := u.RecordUsage(ctx, record)
		if err != nil {
			return nil, err
		}
		answer.Results = append(answer.Results, &pb.RecordUsageResult{
			Result: &pb.RecordUsageResult_Record{Record: made},
		})
	}
	return answer, nil
}

func (u *usage) ReleaseHold(_ context.Context, release *pb.ReleaseHoldRequest) (
	*pb.ReleaseHoldResponse, error,
) {
	u.fake.releases = append(u.fake.releases, release)
	return &pb.ReleaseHoldResponse{}, nil
}

func (u *usage) ExtendHold(context.Context, *pb.ExtendHoldRequest) (
	*pb.ExtendHoldResponse, error,
) {
	return &pb.ExtendHoldResponse{}, nil
}

func (u *usage) ListHolds(context.Context, *pb.ListHoldsRequest) (*pb.ListHoldsResponse, error) {
	return &pb.ListHoldsResponse{}, nil
}

func nothing() *pb.Money { return &pb.Money{CurrencyCode: "USD", Amount: "0"} }
