// Package examples tests the README's example and the examples as a new user runs them, and what
// the server has of it.
package examples

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	tollgate "tollgate.example/go"
	tollgatev1 "tollgate.example/go/gen/tollgate/v1"
	"tollgate.example/go/internal/testserver"
)

var (
	server   *testserver.Server
	provider *httptest.Server
)

func TestMain(m *testing.M) {
	handler := http.NewServeMux()
	handler.HandleFunc("POST /v1/chat/completions", answerChat)
	provider = httptest.NewServer(handler)
	testserver.Main(m, func(shared *testserver.Server) {
		server = shared
	})
}

// build gives a program, which is that of the source in all but its patience with a busy machine.
func build(t *testing.T, source, options string) string {
	t.Helper()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "tollgate.Options{"+options+"}")
	if len(parts) != 2 {
		t.Fatalf("%s has other options than %q", source, options)
	}
	patient := "tollgate.Options{Timeout: 60e9, FlushTimeout: 60e9, " + options + "}"
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(strings.Join(parts, patient)), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	command := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, file)
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, said)
	}
	return program
}

// run gives what a program has printed.
func run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.Env = append(os.Environ(),
		"TOLLGATE_ADDRESS="+server.Address,
		"OPENAI_API_KEY=k",
		"OPENAI_BASE_URL="+provider.URL+"/v1",
	)
	var failed strings.Builder
	command.Stderr = &failed
	said, err := command.Output()
	if err != nil || failed.Len() > 0 {
		t.Fatalf("%s: %v\n%s", program, err, failed.String())
	}
	return string(said)
}

func TestTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(readme)[1]
	workspace := server.Workspace("", "100")
	program := strings.ReplaceAll(string(text), "127.0.0.1:50051", server.Address)
	program = strings.ReplaceAll(program, `"acme"`, `"`+workspace.ID+`"`)
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, run(t, build(t, file, `Address: "`+server.Address+`"`)), strings.Join(words, "")+"\n")
	record := records(t, workspace, 1)[0]
	expect(t, record.Attribution.UserId, "ada")
	// 600 of input, 400 cached, 200 of output.
	expect(t, workspace.Spent().String(), "0.003")
}

func TestBasic(t *testing.T) {
	t.Parallel()
	workspace := server.Workspace("", "100")
	said := run(t, build(t, "basic/main.go", ""), workspace.ID)
	expect(t, said, strings.Join(words, "")+"\ngpt-4.1 cost 0.003 USD\n")
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	workspace := server.Workspace("", "100")
	said := run(t, build(t, "streaming/main.go", ""), workspace.ID)
	expect(t, said, strings.Join(words, "")+"\ncut after: [\"Tollgate \" \"keeps \"]\n")
	all := records(t, workspace, 2)
	expect(t, all[0].Outcome, tollgatev1.Outcome_OUTCOME_SUCCESS)
	expect(t, all[0].Usage.CacheReadTokenCount, 400)
	expect(t, all[1].Outcome, tollgatev1.Outcome_OUTCOME_CANCELLED)
	expect(t, all[1].Usage.OutputTokenCount, 4)
}

func TestFallback(t *testing.T) {
	t.Parallel()
	workspace := server.Workspace("", "100")
	workspace.Cap("gpt-4.1", "0.001", "gpt-4.1-mini")
	lines := strings.Split(run(t, build(t, "fallback/main.go", ""), workspace.ID), "\n")
	expect(t, lines[0], "fallback true: answered by gpt-4.1-mini-2025-04-14")
	expect(t, strings.HasPrefix(lines[1], "fallback false: blocked: model limit of model gpt-4.1"),
		true)
	expect(t, lines[2], "waiting does not help")
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	id := tollgate.NewRequestID()
	said := run(t, build(t, "admin/main.go", ""), "w"+id[len(id)-12:])
	lines := strings.Split(strings.TrimSpace(said), "\n")
	expect(t, strings.HasPrefix(lines[0], "spent 0.00 USD, held "), true)
	expect(t, strings.HasPrefix(lines[len(lines)-1], "spent 0.0028 USD, held 0"), true)
}

func records(
	t *testing.T, workspace *testserver.Workspace, count int,
) []*tollgatev1.UsageRecord {
	t.Helper()
	all := workspace.Records()
	if len(all) != count {
		t.Fatalf("there are %d records: %v", len(all), all)
	}
	return all
}

func expect[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
