package tollgate

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/status"

	pb "tollgate.example/go/gen/tollgate/v1"
)

const (
	// holdDefault is how long a hold lives where the request does not say it.
	holdDefault = 10 * time.Minute
	// holdUnfinished is the lifetime of the hold of an unfinished call: the longest that the server
	// allows, since the time of the resumption is unknown.
	holdUnfinished = 24 * time.Hour
	// holdsPage is the largest page of holds that there is.
	holdsPage = 1000
)

// ResumeRequest says which call is resumed. Workspace and RequestID must be given.
type ResumeRequest struct {
	// Workspace pays.
	Workspace string
	// RequestID is that of the call which was begun.
	RequestID string
	// Attempt is that of the call which was begun, where it is known; by default that of the hold.
	Attempt int32
	// Model is the one that the call runs on; by default that of the hold.
	Model string
	// Hold is the lifetime of the hold from each extension; default 10 minutes.
	Hold time.Duration
	// Wait lets Resume return when the record is durable, with an error if it is not.
	Wait bool
}

// Resume goes on with a call whose provider answers later, in this process or in another one: a
// guard whose last answer is "queued" or "in_progress" records nothing and keeps its hold. The
// block asks the provider for the answer and hands it to call.Record. While the block runs the hold
// is kept alive. Once the answer is finished it is recorded, once however many processes do so. A
// block that is handed an answer that is still unfinished, or none, records nothing, whatever it
// returns, and the call can be resumed again.
//
// It fails as [Client.Guard] does; where Tollgate cannot be reached the record is queued.
func (c *Client) Resume(
	ctx context.Context, request ResumeRequest,
	block func(ctx context.Context, call *Call) error,
) error {
	if request.Workspace == "" || request.RequestID == "" {
		return errors.New("tollgate: Resume needs Workspace and RequestID")
	}
	call := &Call{
		RequestID: request.RequestID,
		Attempt:   request.Attempt,
		client:    c,
		check: &pb.CheckAndRouteRequest{
			WorkspaceId: request.Workspace, RequestId: request.RequestID,
			HoldDuration: durationOrNil(request.Hold),
		},
		wait:    request.Wait,
		resumed: true,
		model:   request.Model,
	}
	hold, err := c.findHold(ctx, request)
	if err != nil && (ctx.Err() != nil || !unreached(status.Code(err))) {
		return err
	}
	if hold != nil {
		call.Attempt = firstOf(request.Attempt, hold.Attempt)
		call.model = firstOf(request.Model, hold.ModelId)
		call.Held = moneyOrNil(hold.Held)
		call.ExpireTime = hold.GetExpireTime().AsTime()
	}
	call.mu.Lock()
	call.keepHold()
	call.mu.Unlock()
	return call.run(ctx, block)
}

// findHold finds what the check has said of a request; nil if its hold is gone.
func (c *Client) findHold(ctx context.Context, request ResumeRequest) (*pb.Hold, error) {
	page := &pb.ListHoldsRequest{WorkspaceId: request.Workspace, PageSize: holdsPage}
	for {
		answer, err := c.Usage.ListHolds(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, hold := range answer.Holds {
			if hold.RequestId == request.RequestID {
				return hold, nil
			}
		}
		page.PageToken = answer.NextPageToken
		if page.PageToken == "" {
			return nil, nil
		}
	}
}

// keepHold extends the hold, now and before it ends, until the call is left.
func (c *Call) keepHold() {
	if c.keeping != nil || c.left {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.keeping = cancel
	hold := holdDefault
	if c.check.HoldDuration != nil {
		hold = c.check.HoldDuration.AsDuration()
	}
	go func() {
		for {
			if err := c.Extend(ctx, hold); err != nil && ctx.Err() == nil {
				c.client.options.Logger.Warn("tollgate: a hold is not extended",
					"request_id", c.RequestID, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(hold / 3):
			}
		}
	}()
}
