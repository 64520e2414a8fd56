package tollgate

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "tollgate.example/go/gen/tollgate/v1"
)

// NoOutput is the MaxOutputTokens of a call that produces none, such as embeddings.
const NoOutput = -1

// Request says what a guarded call is. Workspace, Model and one of InputTokens, Prompt and
// Messages must be given.
type Request struct {
	// Workspace pays.
	Workspace string
	// Model is the one that the call would like.
	Model string

	// InputTokens are those that are neither read from nor written to a cache.
	InputTokens int64
	// Prompt is estimated where InputTokens are not given.
	Prompt string
	// Messages are estimated too, as [EstimateTokens] says: anything that marshals to JSON, best all
	// parameters of the call, with system instructions and tools.
	Messages any
	// Input tokens that are read from and written to the provider's cache.
	CacheReadTokens, CacheWrite5mTokens, CacheWrite1hTokens int64
	// MaxOutputTokens is the most that the call may produce, reasoning included; 0 lets the
	// server estimate it, and [NoOutput] is none.
	MaxOutputTokens int64

	// User and the fields up to Tags tell who and what the call is for. Each may be empty.
	User, Department string
	// APIKey is the id of the key that your caller presented, never its secret.
	APIKey                                string
	Assistant, Workflow, Feature, Project string
	Investigation, Session                string
	Tags                                  map[string]string

	// RequestID names the request; a UUIDv7 by default.
	RequestID string
	// Units are the most that the call may use beside tokens, by kind.
	Units map[UnitKind]int64
	// Factors of the price that may apply to the call.
	Factors []string
	// Context is the id of what the provider adds to the input: an earlier response
	// (previous_response_id), a conversation, cached content. What was last recorded for it counts
	// as input.
	Context string
	// ServiceTier is the one that the call will be served at; the standard one by default.
	ServiceTier ServiceTier
	// RequiredCapabilities are what a model must have to take this one's place.
	RequiredCapabilities []string
	// Hold is how long the amount is set aside; 10 minutes by default. For long runs there is
	// [Call.Extend].
	Hold time.Duration
	// Wait lets the guard return when the record is durable, with an error if it is not.
	Wait bool
	// OnUnavailable overrides the client's policy.
	OnUnavailable Policy
}

func (r Request) check(tokenizer func(string) int) (*pb.CheckAndRouteRequest, error) {
	input := r.InputTokens
	if input == 0 {
		if r.Prompt == "" && r.Messages == nil && r.CacheReadTokens == 0 &&
			r.CacheWrite5mTokens == 0 && r.CacheWrite1hTokens == 0 {
			return nil, errors.New("tollgate: Guard needs InputTokens, Prompt or Messages")
		}
		input = EstimateTokens(r.Prompt, tokenizer) + EstimateTokens(r.Messages, tokenizer)
	}
	if r.OnUnavailable != "" && r.OnUnavailable != Open && r.OnUnavailable != Closed {
		return nil, fmt.Errorf("tollgate: OnUnavailable is open or closed, not %q",
			r.OnUnavailable)
	}
	tier, err := r.ServiceTier.proto()
	if err != nil {
		return nil, err
	}
	check := &pb.CheckAndRouteRequest{
		WorkspaceId:             r.Workspace,
		RequestId:               r.RequestID,
		ModelId:                 r.Model,
		InputTokenCount:         input,
		CacheReadTokenCount:     r.CacheReadTokens,
		CacheWrite_5MTokenCount: r.CacheWrite5mTokens,
		CacheWrite_1HTokenCount: r.CacheWrite1hTokens,
		ServiceTier:             tier,
		Attribution:             r.attribution(),
		RequiredCapabilities:    r.RequiredCapabilities,
		Units:                   unitsProto(r.Units),
		Factors:                 r.Factors,
		ContextId:               r.Context,
	}
	if r.RequestID == "" {
		check.RequestId = NewRequestID()
	}
	if r.MaxOutputTokens != 0 {
		most := r.MaxOutputTokens
		if most == NoOutput {
			most = 0
		}
		check.MaxOutputTokenCount = &most
	}
	check.HoldDuration = durationOrNil(r.Hold)
	return check, nil
}

// durationOrNil leaves it to the server how long a hold lives where nothing is said.
func durationOrNil(span time.Duration) *durationpb.Duration {
	if span == 0 {
		return nil
	}
	return durationpb.New(span)
}

func (r Request) attribution() *pb.Attribution {
	return &pb.Attribution{
		UserId:          r.User,
		DepartmentId:    r.Department,
		ApiKeyId:        r.APIKey,
		AssistantId:     r.Assistant,
		WorkflowId:      r.Workflow,
		FeatureId:       r.Feature,
		ProjectId:       r.Project,
		InvestigationId: r.Investigation,
		SessionId:       r.Session,
		Tags:            r.Tags,
	}
}

// NewRequestID makes a UUIDv7: its first 48 bits are the milliseconds of now, the others random.
func NewRequestID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(time.Now().UnixMilli())<<16)
	// It never fails: where there is no randomness, it ends the program.
	_, _ = rand.Read(id[6:])
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
