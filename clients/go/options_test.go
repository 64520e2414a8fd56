package tollgate_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

func TestTheNumberOfAttemptsIsSettable(t *testing.T) {
	busy := func(context.Context) error { return status.Error(codes.Unavailable, "busy") }
	for given, want := range map[int]int{0: 3, 1: 1, 2: 2, 5: 5} {
		f := newFake(t, busy)
		client := newClient(t, tollgate.Options{Address: f.address, MaxAttempts: given})
		_, err := client.Usage.CheckAndRoute(context.Background(), &pb.CheckAndRouteRequest{})
		expect(t, "code", status.Code(err), codes.Unavailable)
		expect(t, "attempts", f.counts()["CheckAndRoute"], want)
	}
	for _, count := range []int{-1, 6} {
		_, err := tollgate.New(tollgate.Options{MaxAttempts: count})
		if err == nil || !strings.Contains(err.Error(), "MaxAttempts is 1 to 5") {
			t.Errorf("%d: %v", count, err)
		}
	}
}

func TestInterceptorsTakeEveryCall(t *testing.T) {
	f := newFake(t, func(context.Context) error { return nil })
	adds := func(name string) grpc.UnaryClientInterceptor {
		return func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn,
			call grpc.UnaryInvoker, options ...grpc.CallOption,
		) error {
			ctx = metadata.AppendToOutgoingContext(ctx, name, "1")
			return call(ctx, method, request, reply, conn, options...)
		}
	}
	client := newClient(t, tollgate.Options{
		Address: f.address,
		Token:   "secret",
		DialOptions: []grpc.DialOption{
			// One that replaces others in gRPC, and those that do not.
			grpc.WithUnaryInterceptor(adds("x-first")),
			grpc.WithChainUnaryInterceptor(adds("x-second"), adds("x-third")),
		},
	})
	request := tollgate.Request{Workspace: "acme", Model: "gpt-4.1", InputTokens: 1}
	expect(t, "error", client.Guard(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error {
			call.RecordAs(used, call.Model(), "")
			return nil
		}), nil)
	expect(t, "left", flush(client, patience), 0)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range []string{"CheckAndRoute", "RecordUsageBatch"} {
		if len(f.calls[name]) == 0 {
			t.Errorf("no %s", name)
		}
		for _, headers := range f.calls[name] {
			for _, header := range []string{"x-first", "x-second", "x-third"} {
				expect(t, name+" "+header, len(headers[header]), 1)
			}
			expect(t, "token", headers["authorization"][0], "Bearer secret")
		}
	}
	expect(t, "deadlines", len(f.left) >= 2, true)
}
