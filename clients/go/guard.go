package tollgate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "tollgate.example/go/gen/tollgate/v1"
)

const latencyMax = 24 * time.Hour

// Call is one guarded call, between its check and its record. What the check has said is in its
// fields, which are to be read only, apart from OutputText.
type Call struct {
	// RequestID names the request, in the usage log too.
	RequestID string
	// Attempt is the number of the attempt that the call is recorded under: above 0 where the
	// request was recorded before and is checked again.
	Attempt int32
	// Decision is [DecisionAllowed] or [DecisionRouted]; empty if Tollgate was not reached.
	Decision Decision
	// Routed says whether Model is another one than was asked for.
	Routed bool
	// Unchecked says whether the call runs although Tollgate was not reached.
	Unchecked bool
	// Reason says why it was routed.
	Reason Reason
	// Verdicts are limits that warned, would have blocked, or led to another model.
	Verdicts []Verdict
	// Held is what is set aside; nil if Unchecked.
	Held *Money
	// ExpireTime is when the hold ends by itself; zero if nothing is held.
	ExpireTime time.Time
	// BudgetState is where the workspace stood, for example [BudgetStateWithinPlan].
	BudgetState BudgetState
	// OutputText is the output that has come so far; set it where a stream may break off. It is
	// estimated where no usage is recorded.
	OutputText string
	// Recorded is, after a guard with Wait, what the server said, with the cost; nil otherwise.
	Recorded *Recorded

	client *Client
	check  *pb.CheckAndRouteRequest
	policy Policy
	wait   bool

	// Whether it goes on with a call that was begun elsewhere.
	resumed bool

	mu         sync.Mutex
	model      string
	parts      parts  // What the provider has answered.
	made       bool   // Whether they are those of a ProviderAnswer.
	provider   string // The hint.
	given      *Usage // What was recorded as Usage; goes before both.
	givenModel string
	givenTier  ServiceTier
	began      time.Time // When Model was first read.
	left       bool
	keeping    context.CancelFunc // Ends when the call is left; nil while nothing keeps its hold.
}

// Guard puts an LLM call behind Tollgate. It checks; runs the block, which makes the call on
// call.Model() and hands the provider's answer to call.Record; and records what happened when the
// block is left:
//
//   - a block that returns nil as a success,
//   - one that returns an error as an error, with the usage that is known,
//   - one whose error is context.Canceled, or that fails after ctx was done, as cancelled,
//   - one that panics as an error; the panic goes on,
//   - one that never read call.Model() not at all: its hold is given back,
//   - one whose last answer is not finished, as of a background response, not at all: its hold is
//     kept, and [Client.Resume] goes on with it.
//
// The error of the block is returned as it is. Otherwise Guard fails with [*Blocked]; with
// [*Unavailable], if the policy is [Closed]; with an error of gRPC for a defect of the request,
// such as an unknown workspace; or with that of ctx. Recording never makes it fail, nor wait,
// unless the request says Wait.
func (c *Client) Guard(
	ctx context.Context, request Request, block func(ctx context.Context, call *Call) error,
) error {
	call, err := c.enter(ctx, request)
	if err != nil {
		return err
	}
	return call.run(ctx, block)
}

func (c *Call) run(
	ctx context.Context, block func(ctx context.Context, call *Call) error,
) error {
	returned := false
	defer func() {
		if !returned {
			_ = c.leave(ctx, errors.New("the block panicked"))
		}
	}()
	err := block(ctx, c)
	returned = true
	return c.leave(ctx, err)
}

// Model is the model to run on. Reading it says that the LLM call is about to start.
func (c *Call) Model() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began.IsZero() && !c.left {
		c.began = time.Now()
	}
	return c.model
}

// Record keeps what was used: what the provider answered, as a part of [NewProviderAnswer], a
// [ProviderAnswer], or a [Usage] that you counted. Every event of a stream may be handed in: a
// stream is kept in bounded memory, and content never leaves the process. Of several answers the
// last one counts. It neither fails nor panics; what cannot be read is logged.
func (c *Call) Record(used any) {
	c.RecordAs(used, "", "")
}

// RecordFrom is Record for what this provider answered, such as "openai" or "bedrock".
func (c *Call) RecordFrom(provider string, answer any) {
	c.Record(answer)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.provider = firstOf(strings.ToLower(provider), c.provider)
}

// RecordAs is Record for what does not name the model that answered, or the tier that served it.
// Either may be empty.
func (c *Call) RecordAs(used any, model string, tier ServiceTier) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch used := used.(type) {
	case nil:
	case Usage:
		c.given = &used
	case *Usage:
		c.given = used
	case ProviderAnswer:
		c.recordAnswer(used)
	case *ProviderAnswer:
		if used != nil {
			c.recordAnswer(*used)
		}
	default:
		if !isNil(used) {
			c.recordPart(used)
		}
	}
	c.givenModel = firstOf(model, c.givenModel)
	c.givenTier = firstOf(tier, c.givenTier)
	if c.parts.isUnfinished() {
		c.keepHold()
	}
}

func (c *Call) recordAnswer(answer ProviderAnswer) {
	c.parts, c.made, c.given = answer.parts, true, nil
	c.provider = firstOf(answer.provider, c.provider)
}

// isNil says whether a value is a pointer, a list or a map that leads to nothing.
func isNil(value any) bool {
	held := reflect.ValueOf(value)
	switch held.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return held.IsNil()
	}
	return false
}

func (c *Call) recordPart(part any) {
	if c.made {
		c.parts, c.made = parts{}, false
	}
	events, err := eventsOfPart(part)
	if err != nil {
		// It was an answer all the same.
		c.client.options.Logger.Warn("tollgate: no usage that can be read",
			"request_id", c.RequestID, "error", err)
	}
	if slices.ContainsFunc(events, isWhole) {
		if c.parts.hasFigures() {
			c.client.options.Logger.Warn("tollgate: of several answers in one call the last counts",
				"request_id", c.RequestID)
		}
		c.parts = parts{}
	}
	figures := c.parts.figured.count
	c.parts.addEvents(events)
	if c.parts.figured.count != figures {
		c.given = nil
	}
}

// Extend lets the hold live for so long from now.
func (c *Call) Extend(ctx context.Context, hold time.Duration) error {
	if c.Unchecked {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.client.options.Timeout)
	defer cancel()
	_, err := c.client.Usage.ExtendHold(ctx, &pb.ExtendHoldRequest{
		WorkspaceId:  c.check.WorkspaceId,
		RequestId:    c.RequestID,
		HoldDuration: durationpb.New(hold),
	})
	return err
}

func (c *Client) enter(ctx context.Context, request Request) (*Call, error) {
	check, err := request.check(c.options.Tokenizer)
	if err != nil {
		return nil, err
	}
	call := &Call{
		RequestID: check.RequestId,
		client:    c,
		check:     check,
		policy:    firstOf(request.OnUnavailable, c.options.OnUnavailable),
		wait:      request.Wait,
		model:     request.Model,
	}
	within, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	var answer *pb.CheckAndRouteResponse
	err = c.breaker.do(ctx, func() (err error) {
		answer, err = c.Usage.CheckAndRoute(within, check)
		return err
	})
	if err == nil {
		return call, call.decided(answer)
	}
	if ctx.Err() != nil {
		// Nobody knows whether it was decided: what may be held is given back.
		c.delivery.put(call.release())
		return nil, ctx.Err()
	}
	return call, call.failed(err)
}

func (c *Call) decided(answer *pb.CheckAndRouteResponse) error {
	if answer.Decision == pb.Decision_DECISION_BLOCKED {
		return blockedFromProto(answer)
	}
	c.Decision = enumName[Decision](answer.Decision, "DECISION_")
	c.Routed = answer.Decision == pb.Decision_DECISION_ROUTED
	c.model = firstOf(answer.ModelId, c.model)
	c.Reason = enumName[Reason](answer.Reason, "REASON_")
	c.Verdicts = verdictsFromProto(answer.Verdicts)
	c.Held = moneyOrNil(answer.Held)
	if answer.ExpireTime != nil {
		c.ExpireTime = answer.ExpireTime.AsTime()
	}
	c.BudgetState = enumName[BudgetState](answer.BudgetState, "BUDGET_STATE_")
	c.Attempt = answer.Attempt
	return nil
}

// failed decides what an error of the check means.
func (c *Call) failed(err error) error {
	if !unreached(status.Code(err)) {
		return err
	}
	if c.policy == Closed {
		return &Unavailable{Err: err, what: "tollgate does not answer"}
	}
	c.Unchecked = true
	c.client.breaker.warn(err)
	return nil
}

// leave records what the block has done, and gives the error that the guard ends with.
func (c *Call) leave(ctx context.Context, failure error) error {
	outcome := outcomeOf(ctx, failure)
	item, refusal := c.end(outcome)
	switch {
	case refusal != nil:
		c.client.delivery.count(Stats{Refused: 1})
		c.client.options.Logger.Error("tollgate: a usage record is refused",
			"request_id", c.RequestID, "why", refusal)
		if c.wait && failure == nil {
			return refusal
		}
		return failure
	case item == nil:
		return failure
	}
	record, isRecord := item.(*pb.RecordUsageRequest)
	// Who was cancelled is to end, not to wait.
	if !c.wait || outcome == pb.Outcome_OUTCOME_CANCELLED || !isRecord {
		c.client.delivery.put(item)
		return failure
	}
	err := c.send(ctx, record)
	if err == nil {
		return failure
	}
	late := ctx.Err() != nil || unreached(status.Code(err))
	queued := late || unauthorized(status.Code(err))
	if queued {
		c.client.delivery.put(item)
	} else {
		c.client.delivery.count(Stats{Refused: 1})
	}
	switch {
	case failure != nil:
		c.client.options.Logger.Error("tollgate: a usage record is not taken",
			"request_id", c.RequestID, "queued", queued, "error", err)
		return failure
	case ctx.Err() != nil:
		return ctx.Err()
	case late:
		return &Unavailable{Err: err, what: "not recorded yet, queued"}
	}
	return err
}

func (c *Call) send(ctx context.Context, record *pb.RecordUsageRequest) error {
	within, cancel := context.WithTimeout(ctx, c.client.options.Timeout)
	defer cancel()
	return c.client.breaker.do(ctx, func() error {
		answer, err := c.client.Usage.RecordUsage(within, record)
		if err == nil {
			c.Recorded = recordedFromProto(answer)
			c.client.delivery.count(Stats{Delivered: 1})
		}
		return err
	})
}

// end says what is to be sent when the block is left; nil for nothing. It fails for counts that can
// be none, and never panics, which the tokenizer of a caller may.
func (c *Call) end(outcome pb.Outcome) (item item, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if c.keeping != nil {
		c.keeping()
	}
	defer func() {
		if broken := recover(); broken != nil {
			item, err = nil, fmt.Errorf("tollgate: it cannot be made: %v", broken)
		}
	}()
	if c.given != nil {
		if err := c.given.check(); err != nil {
			return nil, err
		}
	}
	return c.report(outcome), nil
}

func (c *Call) report(outcome pb.Outcome) item {
	started := !c.began.IsZero()
	// A poll that fails says nothing of the answer: the job may still finish.
	failed := c.resumed && outcome != pb.Outcome_OUTCOME_SUCCESS && !c.parts.hasFigures()
	switch {
	case c.given != nil:
	case c.parts.isUnfinished() || failed:
		c.client.options.Logger.Info("tollgate: the answer is not finished, its hold is kept",
			"request_id", c.RequestID)
		if c.Unchecked {
			return nil
		}
		return &pb.ExtendHoldRequest{
			WorkspaceId:  c.check.WorkspaceId,
			RequestId:    c.RequestID,
			HoldDuration: durationpb.New(holdUnfinished),
		}
	case !c.parts.given && c.resumed:
		return nil
	case !c.parts.given && !started && c.Unchecked:
		return nil
	case !c.parts.given && !started:
		return c.release()
	}
	if said := c.parts.outcome(); c.given == nil && said != pb.Outcome_OUTCOME_UNSPECIFIED {
		outcome = said
	}
	record := &pb.RecordUsageRequest{
		WorkspaceId: c.check.WorkspaceId,
		RequestId:   c.RequestID,
		Attempt:     c.Attempt,
		Outcome:     outcome,
		// After a restart of the server the hold, with what the check said, may be gone.
		Attribution: c.check.Attribution,
	}
	// A call that is resumed twice is recorded once: all that is said of it is its answer.
	if !c.resumed {
		if !started {
			c.began = time.Now()
		}
		record.StartTime = timestamppb.New(c.began)
		record.Latency = durationpb.New(min(time.Since(c.began), latencyMax))
	}
	c.fill(record)
	// The server finds the model in an answer that it can read, and needs one for all others.
	record.ModelId = firstOf(c.givenModel, c.parts.model(), c.model)
	record.ServiceTier = c.tier()
	return record
}

// fill puts in what was used, as far as it is known, and where that comes from.
func (c *Call) fill(record *pb.RecordUsageRequest) {
	if c.given != nil {
		record.Usage = c.given.Proto()
		record.Factors = c.given.Factors
		record.UsageSource = pb.UsageSource_USAGE_SOURCE_PROVIDER
		return
	}
	success := record.Outcome == pb.Outcome_OUTCOME_SUCCESS
	switch {
	case c.parts.hasFigures() || c.parts.given && success:
		c.fillAnswer(record)
		return
	case c.parts.outcome() != pb.Outcome_OUTCOME_UNSPECIFIED:
		return
	}
	output := c.output()
	if !success && output == 0 {
		return
	}
	if success {
		c.client.options.Logger.Warn("tollgate: no usage was recorded, it is estimated",
			"request_id", c.RequestID)
	}
	record.UsageSource = pb.UsageSource_USAGE_SOURCE_ESTIMATED
	record.Usage = &pb.Usage{
		InputTokenCount:         c.check.InputTokenCount,
		CacheReadTokenCount:     c.check.CacheReadTokenCount,
		CacheWrite_5MTokenCount: c.check.CacheWrite_5MTokenCount,
		CacheWrite_1HTokenCount: c.check.CacheWrite_1HTokenCount,
		OutputTokenCount:        output,
	}
}

// output estimates the output that has come.
func (c *Call) output() int64 {
	return EstimateTokens(c.OutputText, c.client.options.Tokenizer)
}

func (c *Call) fillAnswer(record *pb.RecordUsageRequest) {
	record.AcceptUnread = true
	record.UsageSource = pb.UsageSource_USAGE_SOURCE_PROVIDER
	events := c.parts.events()
	if begun, ok := c.parts.begunOutput(); ok {
		// A stream that broke off has told its input, and its output only to begin with.
		if output := c.output(); output > begun {
			record.UsageSource = pb.UsageSource_USAGE_SOURCE_ESTIMATED
			events = c.parts.withOutput(output)
		}
	}
	texts, err := c.parts.texts(events)
	if err != nil {
		c.client.options.Logger.Warn("tollgate: no usage that can be read",
			"request_id", c.RequestID, "error", err)
		texts = []string{"{}"}
	}
	record.ProviderAnswer = &pb.ProviderAnswer{Provider: c.provider, Json: texts}
	record.ContextId = c.check.GetContextId()
}

// tier is the one that served as far as the caller knows; that of an answer is read by the server.
func (c *Call) tier() pb.ServiceTier {
	if tier, err := c.givenTier.proto(); err == nil && c.givenTier != "" {
		return tier
	}
	if c.given == nil && c.parts.namesTier() {
		return pb.ServiceTier_SERVICE_TIER_UNSPECIFIED
	}
	return c.check.ServiceTier
}

func (c *Call) release() *pb.ReleaseHoldRequest {
	return &pb.ReleaseHoldRequest{WorkspaceId: c.check.WorkspaceId, RequestId: c.RequestID}
}

// outcomeOf tells who gave up from who failed.
func outcomeOf(ctx context.Context, failure error) pb.Outcome {
	switch {
	case failure == nil:
		return pb.Outcome_OUTCOME_SUCCESS
	case ctx.Err() != nil || errors.Is(failure, context.Canceled) ||
		status.Code(failure) == codes.Canceled:
		return pb.Outcome_OUTCOME_CANCELLED
	}
	return pb.Outcome_OUTCOME_ERROR
}
