package tollgate

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "tollgate.example/go/gen/tollgate/v1"
)

const (
	batchMax = 100
	// A batch with more bytes than gRPC takes would never be delivered.
	batchBytesMax = 2 << 20
	backoffMin    = 100 * time.Millisecond
	backoffMax    = 5 * time.Second
	// While the server does not accept the credentials: it answers one such call a second.
	deniedBackoffMin = time.Second
	deniedBackoffMax = time.Minute
)

// Stats counts what became of usage records since the client was made, those of guards with Wait
// included.
type Stats struct {
	// Queued are those that wait now, in memory or in the queue file.
	Queued int
	// Delivered are those that Tollgate has taken.
	Delivered int
	// Dropped are those that found no room.
	Dropped int
	// Refused are those that were wrong; the log says why.
	Refused int
}

// item is a *pb.RecordUsageRequest, a *pb.ReleaseHoldRequest or a *pb.ExtendHoldRequest.
type item = proto.Message

// delivery is the queue of what is to be recorded, with one sender in the background. It never
// blocks who puts something in. What it delivers counts exactly once, because a record is sent
// again under the same request id.
type delivery struct {
	usage   pb.UsageServiceClient
	breaker *breaker // Is told that Tollgate answers.
	max     int
	log     *slog.Logger
	cancel  context.CancelFunc // Ends the sender, also in the middle of a call.
	ended   chan struct{}      // Closed when the sender has ended.
	denied  bool               // The last try; the sender's own.

	mu       sync.Mutex
	changed  chan struct{} // Closed, and replaced, whenever something below has changed.
	waiting  []item        // What is being sent is still among them, in front.
	file     *queueFile    // nil without QueuePath.
	flushing int
	closed   bool
	counts   Stats // Queued is not kept.
}

// newDelivery takes up what an earlier process has left in the file.
func newDelivery(
	usage pb.UsageServiceClient, breaker *breaker, options Options,
) (*delivery, error) {
	ctx, cancel := context.WithCancel(context.Background())
	d := &delivery{
		usage:   usage,
		breaker: breaker,
		max:     options.QueueMax,
		log:     options.Logger,
		cancel:  cancel,
		ended:   make(chan struct{}),
		changed: make(chan struct{}),
	}
	if options.QueuePath != "" {
		file, err := openQueueFile(options.QueuePath, options.Logger)
		if err != nil {
			cancel()
			return nil, err
		}
		d.file = file
		d.waiting = items(file.load(d.max))
	}
	go d.run(ctx)
	return d, nil
}

// put queues a record or a release and returns at once.
func (d *delivery) put(item item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	room := len(d.waiting) < d.max && (d.file == nil || d.file.beyond == 0)
	record, isRecord := item.(*pb.RecordUsageRequest)
	switch {
	case d.closed:
		d.drop("the client is closed")
		return
	case d.file != nil && isRecord:
		if !d.file.append(record, room) {
			d.drop("the queue file is full or cannot be written")
			return
		}
	case !room:
		d.drop(fmt.Sprintf("%d are waiting already", d.max))
		return
	}
	if room {
		d.waiting = append(d.waiting, item)
	}
	d.notify()
}

// flush waits until all is delivered, or the context is done, and says how much is left.
func (d *delivery) flush(ctx context.Context) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flushing++
	d.notify()
	d.waitFor(ctx, func() bool { return d.closed || d.left() == 0 })
	d.flushing--
	return d.left()
}

// close stops the sender and says how much is left.
func (d *delivery) close() int {
	d.mu.Lock()
	first := !d.closed
	d.closed = true
	d.notify()
	d.mu.Unlock()
	d.cancel()
	<-d.ended

	d.mu.Lock()
	defer d.mu.Unlock()
	left := d.left()
	if !first {
		return left
	}
	if d.file != nil {
		d.file.close()
	}
	switch {
	case left > 0 && d.file != nil:
		d.log.Warn("tollgate: usage records wait in the queue file", "count", left)
	case left > 0:
		d.log.Error("tollgate: usage records were not delivered and are lost", "count", left)
	}
	return left
}

// count adds what did not go through the queue.
func (d *delivery) count(more Stats) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts.Delivered += more.Delivered
	d.counts.Refused += more.Refused
}

func (d *delivery) stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := d.counts
	counts.Queued = d.left()
	return counts
}

func (d *delivery) left() int {
	if d.file == nil {
		return len(d.waiting)
	}
	return len(d.waiting) + d.file.beyond
}

func (d *delivery) drop(why string) {
	d.counts.Dropped++
	if d.counts.Dropped == 1 {
		d.log.Error("tollgate: a usage record is dropped (logged once)", "why", why)
	}
}

func (d *delivery) notify() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// waitFor waits, without the lock, until the condition holds or the context is done.
func (d *delivery) waitFor(ctx context.Context, condition func() bool) {
	for !condition() && ctx.Err() == nil {
		changed := d.changed
		d.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		d.mu.Lock()
	}
}

// run is the sender.
func (d *delivery) run(ctx context.Context) {
	defer close(d.ended)
	d.mu.Lock()
	defer d.mu.Unlock()
	backoff := backoffMin
	for {
		d.waitFor(ctx, func() bool { return d.left() > 0 })
		if ctx.Err() != nil {
			return
		}
		batch := append([]item{}, d.waiting[:batchSize(d.waiting)]...)
		d.mu.Unlock()
		again, counts := d.send(ctx, batch)
		d.mu.Lock()
		d.counts.Delivered += counts.Delivered
		d.counts.Refused += counts.Refused
		clear(d.waiting[:len(batch)])
		d.waiting = d.waiting[len(batch):]
		if len(again) > 0 {
			d.waiting = append(again, d.waiting...)
		}
		d.tidyFile()
		d.notify()
		if len(batch) > 0 && len(again) == 0 {
			backoff = backoffMin
			continue
		}
		least, most := backoffMin/2, backoffMax
		if d.denied {
			least, most = deniedBackoffMin, deniedBackoffMax
		}
		backoff = max(backoff, least)
		d.pause(ctx, least, backoff/2+rand.N(backoff/2))
		backoff = min(backoff*2, most)
	}
}

// batchSize says how many of those that wait are sent at once.
func batchSize(waiting []item) int {
	size := 0
	for n, item := range waiting {
		size += proto.Size(item)
		if n == batchMax || n > 0 && size > batchBytesMax {
			return n
		}
	}
	return len(waiting)
}

// pause waits before the next try. A flush cuts it short, but does not make it spin.
func (d *delivery) pause(ctx context.Context, least, span time.Duration) {
	whole, cancel := context.WithTimeout(ctx, max(least, span))
	defer cancel()
	shortest, cancel := context.WithTimeout(whole, least)
	defer cancel()
	d.waitFor(shortest, func() bool { return false })
	d.waitFor(whole, func() bool { return d.flushing > 0 })
}

// tidyFile takes out of the file what is delivered, and into memory what has waited there.
func (d *delivery) tidyFile() {
	if d.file == nil || !d.file.wantsRemoval(len(d.waiting)) {
		return
	}
	d.waiting = append(d.waiting, items(d.file.remove(records(d.waiting), d.max-len(d.waiting)))...)
}

// send sends once and gives back what has to be tried again, with what became of the others.
func (d *delivery) send(ctx context.Context, batch []item) (again []item, counts Stats) {
	reached := true
	d.denied = false
	if list := records(batch); len(list) > 0 {
		again, counts = d.record(ctx, list)
		reached = len(again) == 0
	}
	for _, item := range batch {
		if _, isRecord := item.(*pb.RecordUsageRequest); isRecord {
			continue
		}
		// Where one is not answered, or not let in, the others would only wait for nothing.
		reached = reached && d.sendHold(ctx, item)
		if !reached {
			again = append(again, item)
		}
	}
	return again, counts
}

func (d *delivery) record(ctx context.Context, records []*pb.RecordUsageRequest) (
	again []item, counts Stats,
) {
	answer, err := d.usage.RecordUsageBatch(ctx, &pb.RecordUsageBatchRequest{Records: records})
	if err == nil {
		d.breaker.ended(ctx, nil)
	}
	if err == nil && len(answer.Results) != len(records) {
		err = fmt.Errorf("%d records have %d results", len(records), len(answer.Results))
	}
	if code := status.Code(err); unauthorized(code) {
		d.deny(code, status.Convert(err).Message())
	}
	for n, record := range records {
		code, why := status.Code(err), status.Convert(err).Message()
		if err == nil {
			failed := answer.Results[n].GetError()
			code, why = codes.Code(failed.GetCode()), failed.GetMessage()
		}
		switch {
		case code == codes.OK:
			counts.Delivered++
		case unreached(code) || unauthorized(status.Code(err)) || ctx.Err() != nil:
			again = append(again, record)
		default:
			counts.Refused++
			d.log.Error("tollgate: a usage record is refused",
				"request_id", record.RequestId, "code", code, "why", why)
		}
	}
	return again, counts
}

// sendHold gives a hold back, or extends it; one that has ended already is as good.
func (d *delivery) sendHold(ctx context.Context, item item) bool {
	var err error
	var id string
	switch item := item.(type) {
	case *pb.ReleaseHoldRequest:
		id = item.RequestId
		_, err = d.usage.ReleaseHold(ctx, item)
	case *pb.ExtendHoldRequest:
		id = item.RequestId
		_, err = d.usage.ExtendHold(ctx, item)
	}
	code := status.Code(err)
	switch {
	case unreached(code) || ctx.Err() != nil:
		return code == codes.OK
	case unauthorized(code):
		d.deny(code, status.Convert(err).Message())
		return false
	case code != codes.OK && code != codes.NotFound:
		d.log.Warn("tollgate: a hold stays as it is", "request_id", id, "why", err)
	}
	return true
}

// deny says it, once for each try.
func (d *delivery) deny(code codes.Code, why string) {
	d.denied = true
	d.log.Error("tollgate: a delivery is denied and will be tried again", "code", code, "why", why)
}

// records are those among the items, in order.
func records(items []item) []*pb.RecordUsageRequest {
	var list []*pb.RecordUsageRequest
	for _, item := range items {
		if record, ok := item.(*pb.RecordUsageRequest); ok {
			list = append(list, record)
		}
	}
	return list
}

func items(records []*pb.RecordUsageRequest) []item {
	var list []item
	for _, record := range records {
		list = append(list, record)
	}
	return list
}
