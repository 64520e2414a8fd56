// Package testserver runs the real server for tests, with workspaces in it. What goes wrong here
// panics: a test has nothing to add.
package testserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"google.golang.org/grpc"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

// Server is the binary on a port of its own with a SQLite file of its own.
type Server struct {
	Address string

	folder  string
	process *exec.Cmd
}

// Main runs the tests of a package beside a server that they all share, after what prepares it.
func Main(m *testing.M, prepare func(*Server)) {
	folder, err := os.MkdirTemp("", "tollgate-go-")
	check(err)
	server := start(folder)
	prepare(server)
	status := m.Run()
	server.Kill()
	check(os.RemoveAll(folder))
	os.Exit(status)
}

// New starts a server for a test that kills it.
func New(t testing.TB) *Server {
	server := start(t.TempDir())
	t.Cleanup(server.Kill)
	return server
}

func start(folder string) *Server {
	server := &Server{Address: freeAddress(), folder: folder}
	server.Start()
	return server
}

// lastPort begins below those that systems hand out by themselves, so that nobody is given that of
// a server which is down for a while; there are ten for each process.
var lastPort atomic.Int32

func init() { lastPort.Store(20_000 + int32(os.Getpid()%1200)*10) }

// freeAddress is one of loopback at which nobody listens.
func freeAddress() string {
	for {
		address := fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1))
		if free, err := net.Listen("tcp", address); err == nil {
			check(free.Close())
			return address
		}
	}
}

// Start starts it, or starts it again, and waits until it answers.
func (s *Server) Start() {
	log, err := os.OpenFile(filepath.Join(s.folder, "server.log"),
		os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
	defer log.Close()
	s.process = exec.Command(binary(), "serve", "--listen", s.Address,
		"--create", "--database", "sqlite:"+filepath.Join(s.folder, "tollgate.db"))
	s.process.Dir, s.process.Stdout, s.process.Stderr = s.folder, log, log
	// The server refuses settings that it does not know, and those of its clients are none.
	s.process.Env = slices.DeleteFunc(os.Environ(), func(setting string) bool {
		return strings.HasPrefix(setting, "TOLLGATE_")
	})
	check(s.process.Start())

	client := s.client()
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = client.Workspace.ListWorkspaces(ctx, &pb.ListWorkspacesRequest{},
		grpc.WaitForReady(true))
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		panic(fmt.Sprintf("the server does not answer: %v\n%s", err, said))
	}
}

// Kill ends it as kill -9 does.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	s.signal(syscall.SIGKILL)
	// It says that it was killed.
	_ = s.process.Wait()
	s.process = nil
}

// Pause lets it hang: all of its threads, some of which may just be answering.
func (s *Server) Pause() {
	s.signal(syscall.SIGSTOP)
	_, err := syscall.Wait4(s.process.Process.Pid, nil, syscall.WUNTRACED, nil)
	check(err)
}

// Resume lets it go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) { check(s.process.Process.Signal(signal)) }

func (s *Server) client() *tollgate.Client {
	client, err := tollgate.New(tollgate.Options{Address: s.Address, Timeout: time.Minute})
	check(err)
	return client
}

// binary is that of TOLLGATE_TEST_BINARY, or target/debug/tollgate.
func binary() string {
	if named := os.Getenv("TOLLGATE_TEST_BINARY"); named != "" {
		return named
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../../../target/debug/tollgate")
}

// Workspace has two enabled models, and says what the server has of it.
type Workspace struct {
	ID string

	client *tollgate.Client
}

// Workspace makes one with a name of its own, or the one that is given, and a budget in USD.
func (s *Server) Workspace(name, budget string) *Workspace {
	if name == "" {
		id := tollgate.NewRequestID()
		name = "w" + id[len(id)-12:]
	}
	w := &Workspace{ID: name, client: s.client()}
	ctx := context.Background()
	_, err := w.client.Workspace.CreateWorkspace(ctx, &pb.CreateWorkspaceRequest{
		Workspace: &pb.Workspace{WorkspaceId: name, CurrencyCode: "USD", TimeZone: "UTC"},
	})
	check(err)
	_, err = w.client.Budget.SetPlan(ctx, &pb.SetPlanRequest{WorkspaceId: name, Plan: &pb.Plan{
		Budget: usd(budget), OverageLimit: usd("0"),
		StartDate: time.Now().UTC().Format("2006-01-") + "01",
	}})
	check(err)
	for _, model := range []string{"gpt-4.1", "gpt-4.1-mini"} {
		_, err := w.client.ModelLimit.EnableModel(ctx, &pb.EnableModelRequest{
			WorkspaceId: name, ModelId: model,
		})
		check(err)
	}
	return w
}

// Cap sets the cap of a model, and its fallback chain; an empty one is any cheaper model.
func (w *Workspace) Cap(model, amount string, fallbacks ...string) {
	_, err := w.client.ModelLimit.SetModelLimit(context.Background(), &pb.SetModelLimitRequest{
		WorkspaceId: w.ID, ModelId: model, Limit: usd(amount), FallbackModelIds: fallbacks,
	})
	check(err)
}

// Fallback switches automatic fallback.
func (w *Workspace) Fallback(enabled bool) {
	_, err := w.client.Budget.SetAutomaticFallback(context.Background(),
		&pb.SetAutomaticFallbackRequest{WorkspaceId: w.ID, Enabled: enabled})
	check(err)
}

// RateLimit lets a user make so many requests in a minute.
func (w *Workspace) RateLimit(user string, perMinute int64) {
	_, err := w.client.Quota.CreateRateLimit(context.Background(), &pb.CreateRateLimitRequest{
		WorkspaceId: w.ID,
		RateLimit: &pb.RateLimit{
			Subject: &pb.Subject{Type: pb.SubjectType_SUBJECT_TYPE_USER, Id: user},
			Bounds: []*pb.RateLimitBound{{
				Unit:   pb.LimitUnit_LIMIT_UNIT_REQUESTS,
				Period: pb.LimitPeriod_LIMIT_PERIOD_SLIDING_MINUTE,
				Amount: perMinute,
			}},
		},
	})
	check(err)
}

// Records is the usage log, oldest first.
func (w *Workspace) Records() []*pb.UsageRecord {
	answer, err := w.client.Usage.ListUsageRecords(context.Background(),
		&pb.ListUsageRecordsRequest{WorkspaceId: w.ID, PageSize: 1000})
	check(err)
	slices.Reverse(answer.Records)
	return answer.Records
}

// Holds are those that live.
func (w *Workspace) Holds() []*pb.Hold {
	answer, err := w.client.Usage.ListHolds(context.Background(),
		&pb.ListHoldsRequest{WorkspaceId: w.ID, State: pb.HoldState_HOLD_STATE_LIVE})
	check(err)
	return answer.Holds
}

// Spent is that of the running cycle.
func (w *Workspace) Spent() decimal.Decimal {
	answer, err := w.client.Budget.GetBudget(context.Background(),
		&pb.GetBudgetRequest{WorkspaceId: w.ID})
	check(err)
	spent, err := tollgate.MoneyFromProto(answer.Budget.Spent)
	check(err)
	return spent.Amount
}

func usd(amount string) *pb.Money {
	return &pb.Money{CurrencyCode: "USD", Amount: amount}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
