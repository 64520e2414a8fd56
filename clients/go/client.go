package tollgate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "tollgate.example/go/gen/tollgate/v1"
)

// Version is that of this package.
const Version = "0.1.0"

// readyPause is how long Ready waits between two tries.
const readyPause = 100 * time.Millisecond

// attemptsMax is that of gRPC, too.
const attemptsMax = 5

// Retried by gRPC itself, with jitter, within the deadline, and only without an answer.
const serviceConfig = `{"methodConfig": [{
	"name": [
		{"service": "tollgate.v1.UsageService", "method": "CheckAndRoute"},
		{"service": "tollgate.v1.UsageService", "method": "RecordUsage"},
		{"service": "tollgate.v1.UsageService", "method": "RecordUsageBatch"},
		{"service": "tollgate.v1.UsageService", "method": "ReleaseHold"}
	],
	"retryPolicy": {
		"maxAttempts": %d,
		"initialBackoff": "0.1s",
		"maxBackoff": "1s",
		"backoffMultiplier": 2,
		"retryableStatusCodes": ["UNAVAILABLE"]
	}
}]}`

// Policy says what becomes of a call when Tollgate cannot be reached.
type Policy string

const (
	// Open runs the call on the model that was asked for, and records it later.
	Open Policy = "open"
	// Closed refuses the call with [*Unavailable].
	Closed Policy = "closed"
)

// Options are the settings of a [Client]. The zero value of each is its default.
type Options struct {
	// Address is host, host:port or [IPv6]:port, with 50051 if it says no port; http://host:port
	// for plaintext or https://host:port for TLS; dns:host:port; or unix:/path. By default it is
	// that of the environment's TOLLGATE_ADDRESS, or 127.0.0.1:50051.
	Address string
	// Token is sent as bearer token with every call; by default that of TOLLGATE_TOKEN. Without
	// TLS it is sent to loopback only.
	Token string
	// TokenSource is asked for the token before each call, in place of Token, so that it can be
	// renewed: it is to return at once. Its error ends the call with UNAUTHENTICATED.
	TokenSource func(ctx context.Context) (string, error)
	// TLS is nil for plaintext; &tls.Config{} takes the system's roots.
	TLS *tls.Config
	// Timeout is the deadline of each call to Tollgate; 2 seconds by default.
	Timeout time.Duration
	// OnUnavailable is [Open] by default.
	OnUnavailable Policy
	// QueueMax is how many records may wait in memory; 10,000 by default.
	QueueMax int
	// QueuePath names a file for the records that wait, so that they survive the process; none
	// by default. Each client needs one of its own.
	QueuePath string
	// FlushTimeout is how long Close waits for records to be delivered; 5 seconds by default.
	FlushTimeout time.Duration
	// Tokenizer counts the tokens of a text where they are not given; [EstimateTokens] says what
	// is done by default.
	Tokenizer func(text string) int
	// BreakDuration is how long after a call that was not answered no other waits for Tollgate: they
	// end, or run unchecked, at once. Then one finds out whether it answers again. It is 0.5 seconds
	// by default, and a minute at most; a negative one lets every call wait.
	BreakDuration time.Duration
	// MaxAttempts is how often a call is made at most, the first time included, without an answer:
	// of those calls that are the same however often they are made. 3 by default, 5 at most; 1 makes
	// no retries. What is queued is sent again beyond that.
	MaxAttempts int
	// DialOptions are options of gRPC beside the client's own: interceptors of every call, those of
	// the guard and of the queue included, a stats handler, a dialer. They go before the client's
	// own, so leave transport security and the service config to TLS and MaxAttempts.
	DialOptions []grpc.DialOption
	// Logger is where failures go that have no caller; slog.Default() by default.
	Logger *slog.Logger
}

// Client checks before LLM calls and records after them. Make one for a process and close it at
// the end. It is safe for concurrent use.
//
// The stubs are for everything that is not the guard. Their unary calls have the client's
// deadline unless the context has one.
type Client struct {
	Usage      pb.UsageServiceClient
	Workspace  pb.WorkspaceServiceClient
	Budget     pb.BudgetServiceClient
	Catalog    pb.CatalogServiceClient
	ModelLimit pb.ModelLimitServiceClient
	Quota      pb.QuotaServiceClient
	APIKey     pb.ApiKeyServiceClient
	Alert      pb.AlertServiceClient
	Audit      pb.AuditServiceClient
	Directory  pb.DirectoryServiceClient
	Analytics  pb.AnalyticsServiceClient
	Insight    pb.InsightServiceClient
	Access     pb.AccessServiceClient

	options  Options
	conn     *grpc.ClientConn
	breaker  *breaker
	delivery *delivery
}

// New makes a client. It does not connect yet: the first call does. It fails if the options make
// no sense, if a token would be sent in plaintext to another machine, or if the queue file cannot
// be used.
func New(options Options) (*Client, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	authorize := options.authorizer()
	// A client that is printed shows its fields.
	options.Token, options.TokenSource = "", nil
	conn, err := grpc.NewClient(options.Address, dialOptions(options, authorize)...)
	if err != nil {
		return nil, fmt.Errorf("tollgate: %w", err)
	}
	usage := pb.NewUsageServiceClient(conn)
	breaker := &breaker{
		address: options.Address,
		pause:   max(options.BreakDuration, 0),
		timeout: options.Timeout,
		log:     options.Logger,
	}
	delivery, err := newDelivery(usage, breaker, options)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Client{
		Usage:      usage,
		Workspace:  pb.NewWorkspaceServiceClient(conn),
		Budget:     pb.NewBudgetServiceClient(conn),
		Catalog:    pb.NewCatalogServiceClient(conn),
		ModelLimit: pb.NewModelLimitServiceClient(conn),
		Quota:      pb.NewQuotaServiceClient(conn),
		APIKey:     pb.NewApiKeyServiceClient(conn),
		Alert:      pb.NewAlertServiceClient(conn),
		Audit:      pb.NewAuditServiceClient(conn),
		Directory:  pb.NewDirectoryServiceClient(conn),
		Analytics:  pb.NewAnalyticsServiceClient(conn),
		Insight:    pb.NewInsightServiceClient(conn),
		Access:     pb.NewAccessServiceClient(conn),
		options:    options,
		conn:       conn,
		breaker:    breaker,
		delivery:   delivery,
	}, nil
}

// Format prints all but the token, whatever the verb.
func (o Options) Format(state fmt.State, verb rune) {
	type shown Options
	if o.Token != "" {
		o.Token = "(not shown)"
	}
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), shown(o))
}

// Format prints what the client is connected to.
func (c *Client) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "tollgate.Client{Address: %q}", c.options.Address)
}

// Stats counts the usage records that are queued, delivered, dropped and refused.
func (c *Client) Stats() Stats {
	return c.delivery.stats()
}

// Ready waits until Tollgate answers, so that a program can fail at its start; for at most 10 seconds
// where the context has no deadline. It fails with [*Unavailable] if the server does not answer, and with an
// error of gRPC if the answer is one, such as UNAUTHENTICATED for a token that is not valid.
func (c *Client) Ready(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	for {
		within, cancel := context.WithTimeout(ctx, c.options.Timeout)
		_, err := c.Access.WhoAmI(within, &pb.WhoAmIRequest{})
		cancel()
		if err == nil {
			c.breaker.ended(ctx, nil)
			return nil
		}
		if !unreached(status.Code(err)) && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return &Unavailable{Err: err, what: "tollgate does not answer at " + c.options.Address}
		case <-time.After(readyPause):
		}
	}
}

// Flush waits until every record is delivered, or the context is done; where that has no
// deadline, for at most the FlushTimeout. It returns how many are left.
func (c *Client) Flush(ctx context.Context) int {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.options.FlushTimeout)
		defer cancel()
	}
	return c.delivery.flush(ctx)
}

// Shutdown flushes as [Client.Flush] does, and closes the client. It returns how many records
// are left: with a queue file they wait there, without one they are lost.
func (c *Client) Shutdown(ctx context.Context) int {
	c.Flush(ctx)
	left := c.delivery.close()
	c.breaker.stop()
	// Closing a second time is no error to anybody.
	_ = c.conn.Close()
	return left
}

// Close is Shutdown with the FlushTimeout: an error says that records were left. Go runs nothing
// at the end of a process, so defer it in main, and mind that os.Exit and log.Fatal skip it.
func (c *Client) Close() error {
	if left := c.Shutdown(context.Background()); left > 0 {
		return fmt.Errorf("tollgate: %d usage records are not delivered", left)
	}
	return nil
}

func (o Options) complete() (Options, error) {
	o.Address = firstOf(o.Address, os.Getenv("TOLLGATE_ADDRESS"), "127.0.0.1:50051")
	target, isTLS, err := parseAddress(o.Address, o.TLS != nil)
	if err != nil {
		return o, err
	}
	o.Address = target
	if isTLS && o.TLS == nil {
		o.TLS = &tls.Config{}
	}
	if o.Token != "" && o.TokenSource != nil {
		return o, errors.New("tollgate: there is Options.Token or Options.TokenSource, not both")
	}
	if o.TokenSource == nil {
		o.Token = strings.TrimSpace(firstOf(o.Token, os.Getenv("TOLLGATE_TOKEN")))
	}
	o.Timeout = firstOf(o.Timeout, 2*time.Second)
	o.OnUnavailable = firstOf(o.OnUnavailable, Open)
	o.QueueMax = firstOf(o.QueueMax, 10_000)
	o.BreakDuration = firstOf(o.BreakDuration, 500*time.Millisecond)
	o.FlushTimeout = firstOf(o.FlushTimeout, 5*time.Second)
	o.MaxAttempts = firstOf(o.MaxAttempts, 3)
	o.Logger = firstOf(o.Logger, slog.Default())
	switch {
	case (o.Token != "" || o.TokenSource != nil) && o.TLS == nil && !isLoopback(o.Address):
		return o, fmt.Errorf("tollgate: a token is not sent to %s without TLS: set Options.TLS",
			o.Address)
	case o.Token != "" && !fitsHeader(o.Token):
		return o, errors.New("tollgate: the token is not one that a header can carry")
	case o.OnUnavailable != Open && o.OnUnavailable != Closed:
		return o, fmt.Errorf("tollgate: OnUnavailable is open or closed, not %q", o.OnUnavailable)
	case o.QueueMax < 1 || o.Timeout < 0 || o.FlushTimeout < 0:
		return o, errors.New("tollgate: QueueMax, Timeout and FlushTimeout are not negative")
	case o.MaxAttempts < 1 || o.MaxAttempts > attemptsMax:
		return o, fmt.Errorf("tollgate: MaxAttempts is 1 to %d", attemptsMax)
	case o.BreakDuration > time.Minute:
		return o, errors.New("tollgate: BreakDuration is at most a minute")
	}
	return o, nil
}

// firstOf gives the first that is not the zero value.
func firstOf[T comparable](values ...T) T {
	var zero T
	for _, value := range values {
		if value != zero {
			return value
		}
	}
	return zero
}

// fitsHeader says whether a header can carry a token, which is one word.
func fitsHeader(token string) bool {
	for _, letter := range []byte(token) {
		if letter <= ' ' || letter > '~' {
			return false
		}
	}
	return token != ""
}

// authorizer gives what adds the token to a call that has none of its own.
func (o Options) authorizer() func(context.Context) (context.Context, error) {
	token, source := o.Token, o.TokenSource
	return func(ctx context.Context) (context.Context, error) {
		sent, _ := metadata.FromOutgoingContext(ctx)
		if len(sent.Get("authorization")) > 0 || token == "" && source == nil {
			return ctx, nil
		}
		found := token
		if source != nil {
			var err error
			if found, err = source(ctx); err != nil {
				return ctx, status.Errorf(codes.Unauthenticated, "the token cannot be had: %v", err)
			}
			if found = strings.TrimSpace(found); !fitsHeader(found) {
				return ctx, status.Error(codes.Unauthenticated,
					"the token is empty, or not one that a header can carry")
			}
		}
		return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+found), nil
	}
}

func dialOptions(
	options Options, authorize func(context.Context) (context.Context, error),
) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if options.TLS != nil {
		transport = credentials.NewTLS(options.TLS)
	}
	unary := func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn,
		call grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, options.Timeout)
			defer cancel()
		}
		ctx, err := authorize(ctx)
		if err != nil {
			return err
		}
		return call(ctx, method, request, reply, conn, opts...)
	}
	stream := func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string,
		open grpc.Streamer, opts ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		ctx, err := authorize(ctx)
		if err != nil {
			return nil, err
		}
		return open(ctx, desc, conn, method, opts...)
	}
	config := fmt.Sprintf(serviceConfig, options.MaxAttempts)
	if options.MaxAttempts == 1 {
		// A policy of one attempt is none, and gRPC refuses it.
		config = "{}"
	}
	own := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithChainUnaryInterceptor(unary),
		grpc.WithChainStreamInterceptor(stream),
		grpc.WithUserAgent("tollgate-go/" + Version),
		grpc.WithDefaultServiceConfig(config),
		// What a name server says of retries is not asked.
		grpc.WithDisableServiceConfig(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 10 * time.Second,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2,
				// So that a server is found again well within a second of its return.
				MaxDelay: 300 * time.Millisecond,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
	return append(own, options.DialOptions...)
}
