package tollgate_test

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
	"tollgate.example/go/internal/testserver"
)

// server is for all tests that leave it alone.
var server *testserver.Server

var used = tollgate.Usage{InputTokens: 1000, OutputTokens: 100}

const (
	cost = "0.0028"
	// patience is what a test that is not about time gives a machine that is busy.
	patience = time.Minute
	// nowhere is where no server answers.
	nowhere = "127.0.0.1:1"
)

func TestMain(m *testing.M) {
	if os.Getenv("TOLLGATE_TEST_CHILD") != "" {
		fillQueueFileAndDie()
	}
	testserver.Main(m, func(shared *testserver.Server) {
		server = shared
		// What the examples of the documentation need.
		if err := os.Setenv("TOLLGATE_ADDRESS", shared.Address); err != nil {
			panic(err)
		}
		shared.Workspace("acme", "100")
	})
}

// newClient makes a client that is patient, unless the options say otherwise, and closed at the end
// of the test.
func newClient(t *testing.T, options tollgate.Options) *tollgate.Client {
	t.Helper()
	if options.Address == "" {
		options.Address = server.Address
	}
	options.Timeout = cmp.Or(options.Timeout, patience)
	options.FlushTimeout = cmp.Or(options.FlushTimeout, patience)
	client, err := tollgate.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(client, 0) })
	return client
}

// guard runs a block in a guard around a call of so many input tokens.
func guard(
	client *tollgate.Client, workspace string, block func(*tollgate.Call) error,
) error {
	request := tollgate.Request{Workspace: workspace, Model: "gpt-4.1", InputTokens: 1000}
	return client.Guard(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error { return block(call) })
}

// record is a block that has used something.
func record(call *tollgate.Call) error {
	call.RecordAs(used, call.Model(), "")
	return nil
}

func flush(client *tollgate.Client, timeout time.Duration) int {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return client.Flush(ctx)
}

func shutdown(client *tollgate.Client, timeout time.Duration) int {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return client.Shutdown(ctx)
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func expectUsage(t *testing.T, got *pb.Usage, want tollgate.Usage) {
	t.Helper()
	if used := tollgate.UsageFromProto(got); !reflect.DeepEqual(used, want) {
		t.Errorf("usage: got %v, want %v", used, want)
	}
}

func expectSpent(t *testing.T, workspace *testserver.Workspace, times int64) {
	t.Helper()
	want := decimal.RequireFromString(cost).Mul(decimal.NewFromInt(times))
	if got := workspace.Spent(); !got.Equal(want) {
		t.Errorf("spent: got %s, want %s", got, want)
	}
}

// logged collects what a client logs.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, nil))
}
