package tollgate

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// circuitOpen is the error of a call that was not made, as an earlier one was not answered.
type circuitOpen struct{ why string }

func (c *circuitOpen) Error() string { return c.why }

// GRPCStatus makes it UNAVAILABLE, as if the call had been made.
func (c *circuitOpen) GRPCStatus() *status.Status { return status.New(codes.Unavailable, c.why) }

// breaker is the circuit breaker: it lets all calls pass until one is not answered; then one after
// each pause, until one is.
type breaker struct {
	address string
	pause   time.Duration // 0 lets every call pass.
	timeout time.Duration
	log     *slog.Logger

	mu      sync.Mutex
	until   time.Time // When the next call may pass; zero while all may.
	why     string
	reached bool
	warned  bool // Since it was last answered.
}

// do makes a call, if one may pass; it fails with *circuitOpen otherwise.
func (b *breaker) do(ctx context.Context, call func() error) error {
	if err := b.enter(); err != nil {
		return err
	}
	err := call()
	b.ended(ctx, err)
	return err
}

func (b *breaker) enter() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	switch {
	case b.until.IsZero():
		return nil
	case now.Before(b.until):
		return &circuitOpen{b.why}
	}
	// Until it has its answer; if it never says, for as long as it can take.
	b.until = now.Add(b.timeout + b.pause)
	return nil
}

// ended takes note of how a call ended that passed; ctx is that of the caller.
func (b *breaker) ended(ctx context.Context, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil:
		// Somebody gave up: the next call is to find out.
		if !b.until.IsZero() {
			b.until = time.Now()
		}
	case !unreached(status.Code(err)):
		b.until, b.reached, b.warned = time.Time{}, true, false
	case b.pause > 0:
		b.until = time.Now().Add(b.pause)
		b.why = "an earlier call was not answered: " + status.Convert(err).Message()
	}
}

// stop lets every call pass: the closed client fails it.
func (b *breaker) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until, b.pause = time.Time{}, 0
}

// warn says that a call runs unchecked; loudly if no call ever was checked. Of those that do not
// wait only the first is said: there can be very many.
func (b *breaker) warn(err error) {
	b.mu.Lock()
	warned, reached := b.warned, b.reached
	b.warned = true
	b.mu.Unlock()
	_, skipped := err.(*circuitOpen)
	switch {
	case warned && skipped:
		b.log.Debug("tollgate does not answer, running unchecked", "error", err)
	case reached:
		b.log.Warn("tollgate does not answer, running unchecked", "error", err)
	default:
		b.log.Error("tollgate has NEVER answered at "+b.address+" since this client was made: "+
			"running unchecked, so no limit holds. Is this its address?", "error", err)
	}
}
