// Command conformance is what the conformance runner speaks with: JSON lines, see
// clients/conformance/README.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

// command has the fields of all commands, as they are spelt there.
type command struct {
	Command string `json:"command"`

	Secrets []string          `json:"secrets"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`

	Address        string `json:"address"`
	TimeoutMS      *int   `json:"timeout_ms"`
	OnUnavailable  string `json:"on_unavailable"`
	QueueMax       int    `json:"queue_max"`
	QueuePath      string `json:"queue_path"`
	FlushTimeoutMS int    `json:"flush_timeout_ms"`
	BreakMS        int    `json:"break_duration_ms"`
	Token          string `json:"token"`
	TokenPath      string `json:"token_path"`
	TLSRoots       string `json:"tls_roots"`

	Workspace       string            `json:"workspace"`
	Model           string            `json:"model"`
	InputTokens     int64             `json:"input_tokens"`
	Prompt          string            `json:"prompt"`
	MaxOutputTokens *int64            `json:"max_output_tokens"`
	RequestID       string            `json:"request_id"`
	User            string            `json:"user"`
	Department      string            `json:"department"`
	APIKey          string            `json:"api_key"`
	Assistant       string            `json:"assistant"`
	Workflow        string            `json:"workflow"`
	Feature         string            `json:"feature"`
	Project         string            `json:"project"`
	Investigation   string            `json:"investigation"`
	Session         string            `json:"session"`
	Tags            map[string]string `json:"tags"`
	ServiceTier     string            `json:"service_tier"`
	Wait            bool              `json:"wait"`

	Act        string          `json:"act"`
	Usage      json.RawMessage `json:"usage"`
	Factors    []string        `json:"factors"`
	Answer     *handedOver     `json:"provider_answer"`
	OutputText string          `json:"output_text"`

	Call         int    `json:"call"`
	HoldMS       int    `json:"hold_ms"`
	Count        int    `json:"count"`
	Concurrency  int    `json:"concurrency"`
	Attempt      int32  `json:"attempt"`
	Outcome      string `json:"outcome"`
	StartTime    string `json:"start_time"`
	Calls        int    `json:"calls"`
	Parts        []any  `json:"parts"`
	Content      any    `json:"content"`
	AcceptUnread bool   `json:"accept_unread"`
}

// handedOver is what a provider has answered.
type handedOver struct {
	Provider string `json:"provider"`
	Parts    []any  `json:"parts"`
}

type answer map[string]any

// program has one client at a time, and the guards that are open.
type program struct {
	client *tollgate.Client
	open   map[int]*opened
	stream grpc.ServerStreamingClient[pb.WatchSpendResponse]
}

// opened is a guard that another goroutine holds open.
type opened struct {
	call *tollgate.Call
	act  chan command
	done chan error
}

// errOwn is the error of the block.
var errOwn = errors.New("an error of the program's own")

func main() {
	program := program{open: map[int]*opened{}}
	commands := map[string]func(context.Context, command) (answer, error){
		"connect":  program.connect,
		"guard":    program.guard,
		"ready":    program.ready,
		"open":     program.openGuard,
		"finish":   program.finish,
		"extend":   program.extend,
		"parallel": program.parallel,
		"record":   program.record,
		"flush":    program.flush,
		"stats":    program.stats,
		"close":    program.close,
		"resume":   program.resume,
		"reduce":   program.reduce,
		"estimate": program.estimate,
		"bench":    program.bench,
		"watch":    program.watch,
		"watched":  program.watched,
		"describe": program.describe,

		"verify_webhook": program.verifyWebhook,
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	lines, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var command command
		said := answer{"error": "no such command"}
		if err = decode(line, &command); err == nil {
			if run := commands[command.Command]; run != nil {
				said, err = run(context.Background(), command)
			}
		}
		if err != nil {
			said = answer{"error": err.Error()}
		}
		if err := out.Encode(said); err != nil {
			break
		}
	}
	// Go runs nothing at the end of a process.
	if program.client != nil {
		if err := program.client.Close(); err != nil {
			slog.Error(err.Error())
		}
	}
}

func (p *program) connect(_ context.Context, command command) (answer, error) {
	options := tollgate.Options{
		Address:       command.Address,
		Timeout:       milliseconds(*command.TimeoutMS),
		OnUnavailable: tollgate.Policy(command.OnUnavailable),
		QueueMax:      command.QueueMax,
		QueuePath:     command.QueuePath,
		FlushTimeout:  milliseconds(command.FlushTimeoutMS),
		BreakDuration: milliseconds(command.BreakMS),
		Token:         command.Token,
	}
	if command.TokenPath != "" {
		options.TokenSource = func(context.Context) (string, error) {
			token, err := os.ReadFile(command.TokenPath)
			return string(token), err
		}
	}
	if command.TLSRoots != "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(command.TLSRoots))
		options.TLS = &tls.Config{RootCAs: roots}
	}
	client, err := tollgate.New(options)
	if err != nil {
		return answer{"result": "refused", "message": err.Error()}, nil
	}
	p.client = client
	return answer{"result": "connected"}, nil
}

func (p *program) ready(ctx context.Context, command command) (answer, error) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, milliseconds(*command.TimeoutMS))
	defer cancel()
	said := answer{"result": "ready"}
	if err := p.client.Ready(ctx); err != nil {
		said = failed(err)
	}
	said["elapsed_ms"] = time.Since(begin).Milliseconds()
	return said, nil
}

func (p *program) watch(ctx context.Context, command command) (answer, error) {
	request := &pb.WatchSpendRequest{WorkspaceId: command.Workspace}
	stream, err := p.client.Budget.WatchSpend(ctx, request)
	if err != nil {
		return failed(err), nil
	}
	p.stream = stream
	if _, err := stream.Recv(); err != nil {
		return failed(err), nil
	}
	return answer{"result": "watching"}, nil
}

func (p *program) watched(context.Context, command) (answer, error) {
	for {
		if _, err := p.stream.Recv(); err == io.EOF {
			return answer{"result": "ended"}, nil
		} else if err != nil {
			return failed(err), nil
		}
	}
}

func (p *program) describe(context.Context, command) (answer, error) {
	own := struct{ client *tollgate.Client }{p.client}
	text := fmt.Sprintf("%v %+v %#v %s %+v %#v", p.client, p.client, p.client, p.client, own, own)
	return answer{"text": text + fmt.Sprintf("%+v %#v", p.client.Usage, p.client.Usage)}, nil
}

func (p *program) guard(ctx context.Context, command command) (answer, error) {
	begin := time.Now()
	var entered *tollgate.Call
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := p.client.Guard(ctx, request(command),
		func(ctx context.Context, call *tollgate.Call) error {
			entered = call
			return act(ctx, cancel, call, command)
		})
	return ended(entered, err, begin), nil
}

func (p *program) openGuard(ctx context.Context, asked command) (answer, error) {
	return p.openBy(ctx, func(ctx context.Context, block block) error {
		return p.client.Guard(ctx, request(asked), block)
	})
}

func (p *program) resume(ctx context.Context, asked command) (answer, error) {
	resumed := tollgate.ResumeRequest{Workspace: asked.Workspace, RequestID: asked.RequestID}
	return p.openBy(ctx, func(ctx context.Context, block block) error {
		return p.client.Resume(ctx, resumed, block)
	})
}

type block = func(context.Context, *tollgate.Call) error

// openBy runs a guard whose block waits to be told what to do.
func (p *program) openBy(
	ctx context.Context, guard func(context.Context, block) error,
) (answer, error) {
	begin := time.Now()
	held := &opened{act: make(chan command), done: make(chan error, 1)}
	entered := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		held.done <- guard(ctx, func(ctx context.Context, call *tollgate.Call) error {
			held.call = call
			close(entered)
			return act(ctx, cancel, call, <-held.act)
		})
	}()
	select {
	case err := <-held.done:
		return told(nil, err, begin), nil
	case <-entered:
	}
	number := len(p.open) + 1
	p.open[number] = held
	said := told(held.call, nil, begin)
	said["result"], said["call"] = "opened", number
	return said, nil
}

func (p *program) finish(_ context.Context, command command) (answer, error) {
	begin := time.Now()
	held := p.open[command.Call]
	held.act <- command
	return ended(held.call, <-held.done, begin), nil
}

func (p *program) extend(ctx context.Context, command command) (answer, error) {
	call := p.open[command.Call].call
	if err := call.Extend(ctx, milliseconds(command.HoldMS)); err != nil {
		return failed(err), nil
	}
	return answer{"result": "extended"}, nil
}

func (p *program) parallel(ctx context.Context, command command) (answer, error) {
	begin := time.Now()
	command.RequestID = ""
	said := answer{
		"returned": 0, "blocked": 0, "unavailable": 0, "error": 0, "raised": 0, "cancelled": 0,
	}
	var group sync.WaitGroup
	var lock sync.Mutex
	var broken error
	room := make(chan struct{}, command.Concurrency)
	for range command.Count {
		room <- struct{}{}
		group.Go(func() {
			one, err := p.guard(ctx, command)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				broken = err
			} else {
				said[one["result"].(string)] = said[one["result"].(string)].(int) + 1
			}
			<-room
		})
	}
	group.Wait()
	said["elapsed_ms"] = time.Since(begin).Milliseconds()
	return said, broken
}

func (p *program) record(ctx context.Context, command command) (answer, error) {
	record := &pb.RecordUsageRequest{
		WorkspaceId: command.Workspace,
		RequestId:   command.RequestID,
		Attempt:     command.Attempt,
		ModelId:     command.Model,
		Outcome:     pb.Outcome(pb.Outcome_value["OUTCOME_"+command.Outcome]),
	}
	if isGiven(command.Usage) {
		usage, err := usageOf(command.Usage)
		if err != nil {
			return nil, err
		}
		record.Usage = usage.Proto()
	}
	record.Factors = command.Factors
	record.AcceptUnread = command.AcceptUnread
	if command.Answer != nil {
		handed, err := tollgate.NewProviderAnswer(command.Answer.Provider, command.Answer.Parts...)
		if err != nil {
			return nil, err
		}
		record.ProviderAnswer = handed.Proto()
	}
	if command.StartTime != "" {
		start, err := time.Parse(time.RFC3339, command.StartTime)
		if err != nil {
			return nil, err
		}
		record.StartTime = timestamppb.New(start)
	}
	recorded, err := p.client.Usage.RecordUsage(ctx, record)
	if err != nil {
		return failed(err), nil
	}
	return answer{
		"result": "recorded", "duplicate": recorded.Duplicate, "cost": recorded.Cost.GetAmount(),
		"usage": counts(recorded.Usage), "model": recorded.ModelId, "unread": recorded.Unread,
		"attempt": recorded.Attempt,
	}, nil
}

func (p *program) flush(ctx context.Context, command command) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, milliseconds(*command.TimeoutMS))
	defer cancel()
	return answer{"left": p.client.Flush(ctx)}, nil
}

func (p *program) stats(context.Context, command) (answer, error) {
	stats := p.client.Stats()
	return answer{
		"queued": stats.Queued, "delivered": stats.Delivered,
		"dropped": stats.Dropped, "refused": stats.Refused,
	}, nil
}

func (p *program) close(ctx context.Context, command command) (answer, error) {
	if p.client == nil {
		return answer{"left": 0}, nil
	}
	if command.TimeoutMS != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, milliseconds(*command.TimeoutMS))
		defer cancel()
	}
	return answer{"left": p.client.Shutdown(ctx)}, nil
}

// counts are the fields of a usage that are not zero.
func counts(usage *pb.Usage) answer {
	counts := answer{}
	usage.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if !field.IsList() {
			counts[string(field.Name())] = value.Int()
		}
		return true
	})
	var units []answer
	for _, unit := range usage.GetUnits() {
		kind := strings.TrimPrefix(unit.Kind.String(), "UNIT_KIND_")
		units = append(units, answer{"kind": kind, "count": unit.Count})
	}
	if units != nil {
		counts["units"] = units
	}
	return counts
}

func (p *program) reduce(_ context.Context, command command) (answer, error) {
	reduced, err := tollgate.NewProviderAnswer("", command.Parts...)
	if err != nil {
		return answer{"result": "refused", "message": err.Error()}, nil
	}
	parts := []json.RawMessage{}
	for _, text := range reduced.JSON() {
		parts = append(parts, json.RawMessage(text))
	}
	return answer{"parts": parts}, nil
}

func (p *program) estimate(_ context.Context, command command) (answer, error) {
	return answer{"tokens": tollgate.EstimateTokens(command.Content, nil)}, nil
}

func (p *program) verifyWebhook(_ context.Context, command command) (answer, error) {
	verifier, err := tollgate.NewWebhookVerifier(command.Secrets...)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, value := range command.Headers {
		header.Set(name, value)
	}
	if err := verifier.Verify(header, []byte(command.Body)); err != nil {
		return answer{"result": "refused", "message": err.Error()}, nil
	}
	return answer{"result": "verified"}, nil
}

func (p *program) bench(ctx context.Context, command command) (answer, error) {
	usage, err := usageOf(command.Usage)
	if err != nil {
		return nil, err
	}
	names := []string{"bare_us", "guard_us", "queued_us"}
	ways := []func() error{
		func() error { return p.bare(ctx, command, usage) },
		func() error { return p.guardOnce(ctx, command, usage, true) },
		func() error { return p.guardOnce(ctx, command, usage, false) },
	}
	times := make([][]time.Duration, len(ways))
	for turn := range 20 + command.Calls {
		for n, way := range ways {
			begin := time.Now()
			if err := way(); err != nil {
				return nil, err
			}
			if turn >= 20 {
				times[n] = append(times[n], time.Since(begin))
			}
			p.client.Flush(ctx)
		}
	}
	said := answer{}
	for n, name := range names {
		slices.Sort(times[n])
		said[name] = times[n][len(times[n])/2].Microseconds()
	}
	return said, nil
}

func (p *program) bare(ctx context.Context, command command, usage tollgate.Usage) error {
	checked, err := p.client.Usage.CheckAndRoute(ctx, &pb.CheckAndRouteRequest{
		WorkspaceId:         command.Workspace,
		RequestId:           tollgate.NewRequestID(),
		ModelId:             command.Model,
		InputTokenCount:     command.InputTokens,
		MaxOutputTokenCount: command.MaxOutputTokens,
	})
	if err != nil {
		return err
	}
	_, err = p.client.Usage.RecordUsage(ctx, &pb.RecordUsageRequest{
		WorkspaceId: command.Workspace,
		RequestId:   checked.RequestId,
		ModelId:     checked.ModelId,
		Usage:       usage.Proto(),
		Outcome:     pb.Outcome_OUTCOME_SUCCESS,
	})
	return err
}

func (p *program) guardOnce(
	ctx context.Context, command command, usage tollgate.Usage, wait bool,
) error {
	request := request(command)
	request.Wait = wait
	return p.client.Guard(ctx, request, func(_ context.Context, call *tollgate.Call) error {
		call.RecordAs(usage, call.Model(), "")
		return nil
	})
}

func request(command command) tollgate.Request {
	request := tollgate.Request{
		Workspace:     command.Workspace,
		Model:         command.Model,
		InputTokens:   command.InputTokens,
		Prompt:        command.Prompt,
		User:          command.User,
		Department:    command.Department,
		APIKey:        command.APIKey,
		Assistant:     command.Assistant,
		Workflow:      command.Workflow,
		Feature:       command.Feature,
		Project:       command.Project,
		Investigation: command.Investigation,
		Session:       command.Session,
		Tags:          command.Tags,
		RequestID:     command.RequestID,
		ServiceTier:   tollgate.ServiceTier(command.ServiceTier),
		OnUnavailable: tollgate.Policy(command.OnUnavailable),
		Wait:          command.Wait,
	}
	if command.MaxOutputTokens != nil {
		request.MaxOutputTokens = *command.MaxOutputTokens
	}
	return request
}

func act(
	ctx context.Context, cancel context.CancelFunc, call *tollgate.Call, command command,
) error {
	switch command.Act {
	case "never_started":
		return nil
	case "error_before":
		return errOwn
	}
	if command.Act != "unread" {
		_ = call.Model()
	}
	call.OutputText = command.OutputText
	if err := recordOn(call, command); err != nil {
		return err
	}
	switch command.Act {
	case "error":
		return errOwn
	case "cancel":
		cancel()
		return ctx.Err()
	}
	return nil
}

// recordOn hands over what was used.
func recordOn(call *tollgate.Call, command command) error {
	switch {
	case command.Act == "no_usage":
	case command.Answer != nil:
		for _, part := range command.Answer.Parts {
			call.RecordFrom(command.Answer.Provider, part)
		}
	case isGiven(command.Usage):
		usage, err := usageOf(command.Usage)
		if err != nil {
			return err
		}
		usage.Factors = command.Factors
		call.Record(usage)
	}
	return nil
}

// decode leaves numbers as they are written.
func decode(line []byte, command *command) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	return decoder.Decode(command)
}

func isGiven(value json.RawMessage) bool {
	return len(value) > 0 && string(value) != "null"
}

// usageOf reads a usage; the kinds of its units are without their prefix.
func usageOf(fields json.RawMessage) (tollgate.Usage, error) {
	var all map[string]any
	if err := json.Unmarshal(fields, &all); err != nil {
		return tollgate.Usage{}, err
	}
	units, _ := all["units"].([]any)
	for _, unit := range units {
		unit := unit.(map[string]any)
		unit["kind"] = "UNIT_KIND_" + unit["kind"].(string)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return tollgate.Usage{}, err
	}
	usage := &pb.Usage{}
	err = protojson.Unmarshal(text, usage)
	return tollgate.UsageFromProto(usage), err
}
