package tollgate

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "tollgate.example/go/gen/tollgate/v1"
)

// errorDomain is whose reasons are those of ErrorReason.
const errorDomain = "tollgate"

// Blocked is the error of a call that may not run. Find it with errors.As to answer your own
// caller.
type Blocked struct {
	// RequestID names the request that was refused.
	RequestID string
	// Reason is for example [ReasonExhausted] or [ReasonRateLimited].
	Reason Reason
	// Verdicts are what was in the way, and what else the limits said.
	Verdicts []Verdict
	// RetryAfter is how long to wait before a retry can pass; 0 where no wait helps.
	RetryAfter time.Duration
}

// Error names the limit and its figures.
func (b *Blocked) Error() string {
	var said []string
	for _, verdict := range b.Verdicts {
		if verdict.Blocking {
			said = append(said, verdict.String())
		}
	}
	text := "blocked: " + firstOf(strings.Join(said, "; "), string(b.Reason))
	if b.RetryAfter > 0 {
		text += fmt.Sprintf("; retry after %g s", b.RetryAfter.Seconds())
	}
	return text
}

// Unavailable is the error of a call that Tollgate did not answer, where the policy is [Closed]
// or the caller waited for the record.
type Unavailable struct {
	// Err is that of the last try.
	Err error

	what string
}

// Error says what was not answered.
func (u *Unavailable) Error() string {
	return u.what + ": " + status.Convert(u.Err).Message()
}

// Unwrap gives the error of gRPC.
func (u *Unavailable) Unwrap() error {
	return u.Err
}

// Verdict is what one limit, or one rule, said. Names are those of the API without their prefix,
// and empty where it does not say. Amounts are in Limit to Need for limits of money, and in
// LimitCount to NeedCount for others.
type Verdict struct {
	// Reason says why it spoke.
	Reason Reason
	// Blocking says whether it kept the request from running.
	Blocking bool
	// LimitKind is for example [LimitKindQuota]; empty for a rule.
	LimitKind LimitKind
	// Unit is money, tokens or requests.
	Unit LimitUnit
	// SubjectType and SubjectID tell whose limit it is.
	SubjectType SubjectType
	SubjectID   string
	// Model is the only one that the limit counts; empty for all.
	Model string
	// Period is the span over which it counts.
	Period LimitPeriod
	// Enforcement is what it does when it is reached.
	Enforcement Enforcement
	// LimitID is that of a quota or a rate limit.
	LimitID string
	// Limit, what is spent and held of it, and what the request needs; nil where it does not
	// count money.
	Limit, Spent, Held, Need *Money
	// The same where it counts tokens or requests.
	LimitCount, SpentCount, HeldCount, NeedCount int64
	// ResetTime is when it begins anew; zero where it does not by itself.
	ResetTime time.Time
	// RetryAfter is how long until this limit would let the request pass; 0 where no wait helps.
	RetryAfter time.Duration
	// ThresholdPercent is the highest threshold that the request crosses.
	ThresholdPercent int32
}

// String names the limit and its figures, for a person.
func (v Verdict) String() string {
	words := strings.Join([]string{firstOf(string(v.LimitKind), "RULE"), "of", string(v.SubjectType)}, " ")
	text := strings.ReplaceAll(strings.ToLower(words), "_", " ")
	for _, name := range []string{v.SubjectID, v.LimitID} {
		if name != "" {
			text = strings.TrimRight(text, " ") + " " + name
		}
	}
	text = strings.TrimSuffix(strings.TrimRight(text, " "), " of") + ": " + string(v.Reason)
	if v.Limit != nil {
		text += " (limit " + v.Limit.String()
		text += figure("spent", v.Spent) + figure("held", v.Held) + figure("need", v.Need) + ")"
	} else if v.LimitCount > 0 {
		text += fmt.Sprintf(" (limit %d, spent %d, held %d, need %d %s)",
			v.LimitCount, v.SpentCount, v.HeldCount, v.NeedCount, strings.ToLower(string(v.Unit)))
	}
	if !v.ResetTime.IsZero() {
		text += ", resets " + v.ResetTime.Format(time.RFC3339)
	}
	return text
}

func figure(what string, amount *Money) string {
	if amount == nil {
		return ""
	}
	return ", " + what + " " + plain(amount.Amount)
}

func blockedFromProto(answer *pb.CheckAndRouteResponse) *Blocked {
	return &Blocked{
		RequestID:  answer.RequestId,
		Reason:     enumName[Reason](answer.Reason, "REASON_"),
		Verdicts:   verdictsFromProto(answer.Verdicts),
		RetryAfter: answer.RetryAfter.AsDuration(),
	}
}

func verdictsFromProto(verdicts []*pb.Verdict) []Verdict {
	var all []Verdict
	for _, v := range verdicts {
		verdict := Verdict{
			Reason:           enumName[Reason](v.Reason, "REASON_"),
			Blocking:         v.Blocking,
			LimitKind:        enumName[LimitKind](v.LimitKind, "LIMIT_KIND_"),
			Unit:             enumName[LimitUnit](v.Unit, "LIMIT_UNIT_"),
			SubjectType:      enumName[SubjectType](v.Subject.GetType(), "SUBJECT_TYPE_"),
			SubjectID:        v.Subject.GetId(),
			Model:            v.ModelId,
			Period:           enumName[LimitPeriod](v.Period, "LIMIT_PERIOD_"),
			Enforcement:      enumName[Enforcement](v.Enforcement, "ENFORCEMENT_"),
			LimitID:          v.LimitId,
			Limit:            moneyOrNil(v.Limit),
			Spent:            moneyOrNil(v.Spent),
			Held:             moneyOrNil(v.Held),
			Need:             moneyOrNil(v.Need),
			LimitCount:       v.LimitCount,
			SpentCount:       v.SpentCount,
			HeldCount:        v.HeldCount,
			NeedCount:        v.NeedCount,
			RetryAfter:       v.RetryAfter.AsDuration(),
			ThresholdPercent: v.ThresholdPercent,
		}
		if v.ResetTime != nil {
			verdict.ResetTime = v.ResetTime.AsTime()
		}
		all = append(all, verdict)
	}
	return all
}

// enumName gives a member's name without prefix, empty for unspecified, the number for a newer
// one.
func enumName[N ~string](member protoreflect.Enum, prefix string) N {
	value := member.Descriptor().Values().ByNumber(member.Number())
	if value == nil {
		return N(strconv.Itoa(int(member.Number())))
	}
	name := strings.TrimPrefix(string(value.Name()), prefix)
	if name == "UNSPECIFIED" {
		return ""
	}
	return N(name)
}

// ErrorReasonOf gives the reason that the server says in an error of gRPC, such as
// [ErrorReasonWorkspaceNotFound]; empty if it is none of the server's, or none at all.
func ErrorReasonOf(err error) ErrorReason {
	said, _ := status.FromError(err)
	for _, detail := range said.Details() {
		info, ok := detail.(*errdetails.ErrorInfo)
		if ok && info.Domain == errorDomain {
			return ErrorReason(strings.TrimPrefix(info.Reason, "ERROR_REASON_"))
		}
	}
	return ""
}

// unreached says that nobody has judged the request yet.
func unreached(code codes.Code) bool {
	return code == codes.Unavailable || code == codes.DeadlineExceeded
}

// unauthorized says that the answer of a call is about who asks, not about what is asked: once the
// token is renewed, or known, the same call is taken. The third code says that too many such calls
// came before.
func unauthorized(code codes.Code) bool {
	return code == codes.Unauthenticated || code == codes.PermissionDenied ||
		code == codes.ResourceExhausted
}
