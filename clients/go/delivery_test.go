package tollgate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
	"tollgate.example/go/internal/testserver"
)

func TestOpenRunsAndDeliversLaterExactlyOnce(t *testing.T) {
	t.Parallel()
	own := testserver.New(t)
	workspace := own.Workspace("acme", "100")
	client := newClient(t, tollgate.Options{Address: own.Address})
	ids := map[string]bool{}
	if err := guard(client, "acme", func(call *tollgate.Call) error {
		own.Kill()
		ids[call.RequestID] = true
		return record(call)
	}); err != nil {
		t.Fatal(err)
	}
	if err := client.Guard(context.Background(), tollgate.Request{
		Workspace: "acme", Model: "gpt-4.1", InputTokens: 1000, User: "ada",
	}, func(ctx context.Context, call *tollgate.Call) error {
		expect(t, "unchecked", call.Unchecked, true)
		expect(t, "decision", call.Decision, "")
		expect(t, "extend", call.Extend(ctx, time.Hour), nil)
		ids[call.RequestID] = true
		return record(call)
	}); err != nil {
		t.Fatal(err)
	}
	expect(t, "left", flush(client, 200*time.Millisecond), 2)
	expect(t, "stats", client.Stats(), tollgate.Stats{Queued: 2})
	own.Start()
	expect(t, "left", flush(client, patience), 0)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 2})
	records := workspace.Records()
	expect(t, "records", len(records), 2)
	for _, record := range records {
		expect(t, "known", ids[record.RequestId], true)
	}
	expect(t, "user", records[1].Attribution.UserId, "ada")
	expectSpent(t, workspace, 2)
}

func TestClosedRefuses(t *testing.T) {
	t.Parallel()
	client := newClient(t, tollgate.Options{Address: nowhere, OnUnavailable: tollgate.Closed})
	request := tollgate.Request{Workspace: "acme", Model: "gpt-4.1", InputTokens: 1}
	err := client.Guard(context.Background(), request, mustNotRun(t))
	var unavailable *tollgate.Unavailable
	if !errors.As(err, &unavailable) {
		t.Fatalf("not unavailable: %v", err)
	}
	expect(t, "code", status.Code(errors.Unwrap(err)), codes.Unavailable)
	request.OnUnavailable = tollgate.Open
	ran := false
	err = client.Guard(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error {
			ran = call.Unchecked
			return nil
		})
	expect(t, "error", err, nil)
	expect(t, "ran", ran, true)
	expect(t, "a call that never ran has nothing to say", client.Stats().Queued, 0)
}

func TestAServerThatHangsCostsTheDeadline(t *testing.T) {
	own := testserver.New(t)
	workspace := own.Workspace("acme", "100")
	client := newClient(t, tollgate.Options{
		Address: own.Address, Timeout: 300 * time.Millisecond,
	})
	expect(t, "error", guard(client, "acme", record), nil)
	expect(t, "left", flush(client, patience), 0)
	own.Pause()
	begin := time.Now()
	expect(t, "error", guard(client, "acme", record), nil)
	// The server hung for longer than that, and would have for ever.
	if took := time.Since(begin); took < 200*time.Millisecond || took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	own.Resume()
	expect(t, "left", flush(client, patience), 0)
	expectSpent(t, workspace, 2)
}

func TestWaitFailsIfNobodyAnswersAndQueuesAllTheSame(t *testing.T) {
	t.Parallel()
	client := newClient(t, tollgate.Options{Address: nowhere})
	request := tollgate.Request{Workspace: "w", Model: "m", InputTokens: 1, Wait: true}
	err := client.Guard(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error { return record(call) })
	var unavailable *tollgate.Unavailable
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "queued") {
		t.Errorf("not queued: %v", err)
	}
	down := errors.New("provider is down")
	err = client.Guard(context.Background(), request,
		func(_ context.Context, call *tollgate.Call) error {
			_ = call.Model()
			return down
		})
	expect(t, "the error of the block", err, down)
	expect(t, "queued", client.Stats().Queued, 2)
	expect(t, "left", shutdown(client, 0), 2)
}

func TestAFullQueueDropsAndSaysSo(t *testing.T) {
	t.Parallel()
	var log logged
	client := newClient(t, tollgate.Options{
		Address: nowhere, QueueMax: 3, Logger: log.logger(),
	})
	for range 5 {
		expect(t, "error", guard(client, "w", record), nil)
	}
	expect(t, "stats", client.Stats(), tollgate.Stats{Queued: 3, Dropped: 2})
	expect(t, "left", shutdown(client, 0), 3)
	expectLogged(t, &log, "3 are waiting already")
	expectLogged(t, &log, "were not delivered and are lost\" count=3")
	expect(t, "logged once", strings.Count(log.String(), "is dropped"), 1)
	expect(t, "error after the end", guard(client, "w", record) != nil, true)
}

func TestARefusedRecordIsLoggedAndNotTriedAgain(t *testing.T) {
	var log logged
	client := newClient(t, tollgate.Options{Logger: log.logger()})
	workspace := server.Workspace("", "100")
	var refused string
	if err := guard(client, workspace.ID, func(call *tollgate.Call) error {
		refused = call.RequestID
		call.Record(tollgate.Usage{InputTokens: 1e12})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	expect(t, "error", guard(client, workspace.ID, record), nil)
	expect(t, "left", flush(client, patience), 0)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 1, Refused: 1})
	expectLogged(t, &log, refused)
}

func TestAQueueFileSurvivesTheProcessAndOverflowsMemory(t *testing.T) {
	t.Parallel()
	own := testserver.New(t)
	workspace := own.Workspace("acme", "100")
	own.Kill()
	path := filepath.Join(t.TempDir(), "queue.jsonl")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "TOLLGATE_TEST_CHILD="+path, "TOLLGATE_ADDRESS="+own.Address)
	said, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("it was not killed: %v\n%s", err, said)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "lines", strings.Count(string(text), "\n"), 250)
	// A line of something else, and one as a process that is killed while it writes.
	text = append(text, "{}}\n{\"workspaceId\": \"ac"...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}

	own.Start()
	var log logged
	options := tollgate.Options{
		Address: own.Address, QueueMax: 30, QueuePath: path, Logger: log.logger(),
	}
	client := newClient(t, options)
	_, err = tollgate.New(options)
	if err == nil || !strings.Contains(err.Error(), "another client uses") {
		t.Errorf("a second client is not refused: %v", err)
	}
	for range 20 {
		expect(t, "error", guard(client, "acme", record), nil)
	}
	expect(t, "left", flush(client, patience), 0)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 270})
	expect(t, "bad lines", strings.Count(log.String(), "is not a record"), 2)
	text, err = os.ReadFile(path)
	expect(t, "error", err, nil)
	expect(t, "what is left in the file", string(text), "")
	expect(t, "error", client.Close(), nil)
	expect(t, "records", len(workspace.Records()), 270)
	expectSpent(t, workspace, 270)
	newClient(t, options)
}

// fillQueueFileAndDie is what the test above runs in a process of its own.
func fillQueueFileAndDie() {
	client, err := tollgate.New(tollgate.Options{
		QueueMax: 30, QueuePath: os.Getenv("TOLLGATE_TEST_CHILD"),
	})
	if err != nil {
		panic(err)
	}
	var group sync.WaitGroup
	for range 250 {
		group.Go(func() {
			if err := guard(client, "acme", record); err != nil {
				panic(err)
			}
		})
	}
	group.Wait()
	if stats := client.Stats(); stats != (tollgate.Stats{Queued: 250}) {
		panic(fmt.Sprint(stats))
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {}
}

// scripted answers deliveries only when it is told to, and how.
type scripted struct {
	pb.UnimplementedUsageServiceServer
	take chan error
	seen chan string // The ids of what it has taken, in the order in which they came.
}

// tell says how the next delivery is answered, once it is there.
func (s *scripted) tell(t *testing.T, answer error) {
	t.Helper()
	select {
	case s.take <- answer:
	case <-time.After(patience):
		t.Fatalf("nobody comes for the answer %v", answer)
	}
}

func (s *scripted) CheckAndRoute(context.Context, *pb.CheckAndRouteRequest) (
	*pb.CheckAndRouteResponse, error,
) {
	return &pb.CheckAndRouteResponse{Decision: pb.Decision_DECISION_ALLOWED}, nil
}

func (s *scripted) RecordUsage(ctx context.Context, _ *pb.RecordUsageRequest) (
	*pb.RecordUsageResponse, error,
) {
	return &pb.RecordUsageResponse{}, s.told(ctx)
}

func (s *scripted) RecordUsageBatch(ctx context.Context, request *pb.RecordUsageBatchRequest) (
	*pb.RecordUsageBatchResponse, error,
) {
	if err := s.told(ctx); err != nil {
		return nil, err
	}
	answer := &pb.RecordUsageBatchResponse{}
	for _, record := range request.Records {
		s.seen <- record.RequestId
		answer.Results = append(answer.Results, &pb.RecordUsageResult{
			Result: &pb.RecordUsageResult_Record{Record: &pb.RecordUsageResponse{}},
		})
	}
	return answer, nil
}

func (s *scripted) ReleaseHold(ctx context.Context, request *pb.ReleaseHoldRequest) (
	*pb.ReleaseHoldResponse, error,
) {
	if err := s.told(ctx); err != nil {
		return nil, err
	}
	s.seen <- request.RequestId
	return &pb.ReleaseHoldResponse{}, nil
}

func (s *scripted) told(ctx context.Context) error {
	select {
	case answer := <-s.take:
		return answer
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestWhatIsDeniedToTheTokenIsDeliveredLater(t *testing.T) {
	t.Parallel()
	script := &scripted{take: make(chan error), seen: make(chan string, 500)}
	own := grpc.NewServer()
	pb.RegisterUsageServiceServer(own, script)
	var log logged
	path := filepath.Join(t.TempDir(), "queue.jsonl")
	client := newClient(t, tollgate.Options{
		Address: serve(t, own), Token: "secret", Timeout: time.Hour, QueuePath: path,
		Logger: log.logger(),
	})
	var want []string
	put := func(block func(*tollgate.Call) error) {
		expect(t, "error", guard(client, "w", func(call *tollgate.Call) error {
			want = append(want, call.RequestID)
			return block(call)
		}), nil)
	}
	expired := status.Error(codes.Unauthenticated, "it has expired")
	// Who waits is told, and the record is kept all the same.
	told := make(chan error)
	go func() {
		request := tollgate.Request{Workspace: "w", Model: "gpt-4.1", InputTokens: 1, Wait: true}
		told <- client.Guard(t.Context(), request,
			func(_ context.Context, call *tollgate.Call) error {
				want = append(want, call.RequestID)
				return record(call)
			})
	}()
	script.tell(t, expired)
	expect(t, "code", status.Code(<-told), codes.Unauthenticated)
	script.tell(t, expired)
	expect(t, "left", flush(client, 100*time.Millisecond), 1)
	put(record)
	put(func(*tollgate.Call) error { return nil })
	script.tell(t, status.Error(codes.PermissionDenied, "not of the call"))
	// All three are in this try; the release is not sent, and takes none of the answers.
	script.tell(t, status.Error(codes.ResourceExhausted, "nor now"))
	expect(t, "left", flush(client, 100*time.Millisecond), 3)
	expect(t, "stats", client.Stats(), tollgate.Stats{Queued: 3})
	text, err := os.ReadFile(path)
	expect(t, "error", err, nil)
	expect(t, "lines", strings.Count(string(text), "\n"), 2)
	script.tell(t, nil)
	script.tell(t, expired) // The release, which is tried again too.
	script.tell(t, nil)
	expect(t, "left", flush(client, patience), 0)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 2})
	for _, id := range want {
		expect(t, "taken", <-script.seen, id)
	}
	expect(t, "once for each try", strings.Count(log.String(), "level="), 4)
	denied := `level=ERROR msg="tollgate: a delivery is denied and will be tried again" `
	expectLogged(t, &log, denied+`code=Unauthenticated why="it has expired"`)
	expectLogged(t, &log, denied+`code=PermissionDenied why="not of the call"`)
	expectLogged(t, &log, denied+`code=ResourceExhausted why="nor now"`)
}

func TestWhatIsBeyondMemoryStaysInOrder(t *testing.T) {
	t.Parallel()
	script := &scripted{take: make(chan error), seen: make(chan string, 500)}
	own := grpc.NewServer()
	pb.RegisterUsageServiceServer(own, script)
	path := filepath.Join(t.TempDir(), "queue.jsonl")
	client := newClient(t, tollgate.Options{
		Address: serve(t, own), Timeout: time.Hour, QueueMax: 150, QueuePath: path,
	})
	var want []string
	put := func(count int) {
		for range count {
			expect(t, "error", guard(client, "w", func(call *tollgate.Call) error {
				want = append(want, call.RequestID)
				return record(call)
			}), nil)
		}
	}
	put(1)
	script.tell(t, nil)
	put(200)
	// After this batch there is room in memory, while there are others in the file alone.
	script.tell(t, nil)
	for client.Stats().Delivered < 2 {
		time.Sleep(time.Millisecond)
	}
	put(1)
	close(script.take)
	expect(t, "left", flush(client, patience), 0)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 202})
	for _, id := range want {
		expect(t, "record", <-script.seen, id)
	}
	expect(t, "more than once", len(script.seen), 0)
	text, err := os.ReadFile(path)
	expect(t, "error", err, nil)
	expect(t, "what is left in the file", string(text), "")
}

func TestAQueueFileThatCannotBeUsedIsAnError(t *testing.T) {
	_, err := tollgate.New(tollgate.Options{QueuePath: filepath.Join(t.TempDir(), "no", "queue")})
	expect(t, "is said at once", errors.Is(err, os.ErrNotExist), true)
}

func TestNothingIsLostWhereTheClientIsClosed(t *testing.T) {
	t.Parallel()
	client, workspace := newClient(t, tollgate.Options{}), server.Workspace("", "100")
	for range 150 {
		expect(t, "error", guard(client, workspace.ID, record), nil)
	}
	expect(t, "error", client.Close(), nil)
	expect(t, "a second time", client.Close(), nil)
	expect(t, "records", len(workspace.Records()), 150)
	expectSpent(t, workspace, 150)
}

func TestClosingTakesNoLongerThanTheFlushTimeout(t *testing.T) {
	client := newClient(t, tollgate.Options{
		Address: nowhere, FlushTimeout: 300 * time.Millisecond,
	})
	expect(t, "error", guard(client, "w", record), nil)
	begin := time.Now()
	closed := make(chan error, 1)
	go func() { closed <- client.Close() }()
	// Two seconds as many short steps: a machine that stalls makes one of them longer.
	for range 40 {
		select {
		case err := <-closed:
			if err == nil || !strings.Contains(err.Error(), "1 usage records are not delivered") {
				t.Errorf("it does not say what is left: %v", err)
			}
			if took := time.Since(begin); took < 250*time.Millisecond {
				t.Errorf("it took %s", took)
			}
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Error("it takes longer")
}

func TestAThousandGuardsInParallelSpendExactly(t *testing.T) {
	t.Parallel()
	client := newClient(t, tollgate.Options{Timeout: 5 * time.Minute})
	workspace := server.Workspace("", "100")
	var group sync.WaitGroup
	for range 1000 {
		group.Go(func() {
			if err := guard(client, workspace.ID, record); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	expect(t, "left", flush(client, 5*time.Minute), 0)
	expect(t, "stats", client.Stats(), tollgate.Stats{Delivered: 1000})
	expectSpent(t, workspace, 1000)
	expect(t, "holds", len(workspace.Holds()), 0)
}

func TestABatchFitsIntoOneMessage(t *testing.T) {
	record := func(size int) *pb.RecordUsageRequest {
		text := `{"usage":{"tokens":` + strings.Repeat("1", size) + `}}`
		return &pb.RecordUsageRequest{ProviderAnswer: &pb.ProviderAnswer{Json: []string{text}}}
	}
	for size, want := range map[int]int{1: 100, 60_000: 34, 3 << 20: 1} {
		expect(t, "records", tollgate.BatchSize(slices.Repeat(
			[]*pb.RecordUsageRequest{record(size)}, 200)), want)
	}
	expect(t, "few", tollgate.BatchSize([]*pb.RecordUsageRequest{record(1), record(1)}), 2)
	expect(t, "none", tollgate.BatchSize(nil), 0)
}
