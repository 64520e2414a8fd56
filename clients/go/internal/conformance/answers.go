package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
)

// ended answers for a guard that was left: to read the model starts nothing any more.
func ended(call *tollgate.Call, err error, begin time.Time) answer {
	said := told(call, err, begin)
	if call != nil {
		said["model"] = call.Model()
	}
	return said
}

// told answers for a guard.
func told(call *tollgate.Call, err error, begin time.Time) answer {
	said := answer{"result": "returned"}
	if err != nil {
		said = failed(err)
	}
	said["ran"] = call != nil
	if call != nil {
		said["decision"] = orNull(call.Decision)
		said["request_id"] = call.RequestID
		said["attempt"] = call.Attempt
		said["unchecked"] = call.Unchecked
		said["routed"] = call.Routed
		said["held"] = amount(call.Held)
		said["verdicts"] = verdicts(call.Verdicts)
		if call.Recorded != nil {
			said["cost"] = amount(&call.Recorded.Cost)
		}
	}
	said["elapsed_ms"] = time.Since(begin).Milliseconds()
	return said
}

func failed(err error) answer {
	var blocked *tollgate.Blocked
	var unavailable *tollgate.Unavailable
	switch {
	case errors.Is(err, errOwn):
		return answer{"result": "raised"}
	case errors.Is(err, context.Canceled):
		return answer{"result": "cancelled"}
	case errors.As(err, &unavailable):
		return answer{"result": "unavailable", "message": unavailable.Error()}
	case errors.As(err, &blocked):
		said := answer{
			"result":     "blocked",
			"decision":   "BLOCKED",
			"request_id": blocked.RequestID,
			"reason":     blocked.Reason,
			"message":    blocked.Error(),
			"verdicts":   verdicts(blocked.Verdicts),
		}
		if blocked.RetryAfter > 0 {
			said["retry_after_ms"] = blocked.RetryAfter.Round(time.Millisecond).Milliseconds()
		}
		return said
	}
	if code, ok := status.FromError(err); ok {
		name := upperSnake(code.Code().String())
		return answer{"result": "error", "code": name, "message": code.Message()}
	}
	return answer{"result": fmt.Sprintf("unexpected: %v", err)}
}

func verdicts(verdicts []tollgate.Verdict) []answer {
	all := []answer{}
	for _, verdict := range verdicts {
		all = append(all, answer{
			"reason":     verdict.Reason,
			"limit_kind": orNull(verdict.LimitKind),
			"limit":      amount(verdict.Limit),
			"spent":      amount(verdict.Spent),
			"held":       amount(verdict.Held),
			"need":       amount(verdict.Need),
		})
	}
	return all
}

func amount(money *tollgate.Money) any {
	if money == nil {
		return nil
	}
	return money.Amount.String()
}

func orNull[N ~string](text N) any {
	if text == "" {
		return nil
	}
	return text
}

// upperSnake makes NOT_FOUND of NotFound.
func upperSnake(name string) string {
	var text strings.Builder
	for n, char := range name {
		if n > 0 && unicode.IsUpper(char) {
			text.WriteByte('_')
		}
		text.WriteRune(unicode.ToUpper(char))
	}
	return text.String()
}

func milliseconds(count int) time.Duration {
	return time.Duration(count) * time.Millisecond
}
