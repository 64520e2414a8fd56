package io.tollgate;

import io.grpc.Channel;
import io.grpc.ClientInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.v1.AccessServiceGrpc;
import io.tollgate.v1.AccessServiceGrpc.AccessServiceBlockingStub;
import io.tollgate.v1.AlertServiceGrpc;
import io.tollgate.v1.AlertServiceGrpc.AlertServiceBlockingStub;
import io.tollgate.v1.AnalyticsServiceGrpc;
import io.tollgate.v1.AnalyticsServiceGrpc.AnalyticsServiceBlockingStub;
import io.tollgate.v1.ApiKeyServiceGrpc;
import io.tollgate.v1.ApiKeyServiceGrpc.ApiKeyServiceBlockingStub;
import io.tollgate.v1.AuditServiceGrpc;
import io.tollgate.v1.AuditServiceGrpc.AuditServiceBlockingStub;
import io.tollgate.v1.BudgetServiceGrpc;
import io.tollgate.v1.BudgetServiceGrpc.BudgetServiceBlockingStub;
import io.tollgate.v1.CatalogServiceGrpc;
import io.tollgate.v1.CatalogServiceGrpc.CatalogServiceBlockingStub;
import io.tollgate.v1.DirectoryServiceGrpc;
import io.tollgate.v1.DirectoryServiceGrpc.DirectoryServiceBlockingStub;
import io.tollgate.v1.InsightServiceGrpc;
import io.tollgate.v1.InsightServiceGrpc.InsightServiceBlockingStub;
import io.tollgate.v1.ModelLimitServiceGrpc;
import io.tollgate.v1.ModelLimitServiceGrpc.ModelLimitServiceBlockingStub;
import io.tollgate.v1.QuotaServiceGrpc;
import io.tollgate.v1.QuotaServiceGrpc.QuotaServiceBlockingStub;
import io.tollgate.v1.UsageServiceGrpc;
import io.tollgate.v1.UsageServiceGrpc.UsageServiceBlockingStub;
import io.tollgate.v1.WorkspaceServiceGrpc;
import io.tollgate.v1.WorkspaceServiceGrpc.WorkspaceServiceBlockingStub;
import io.tollgate.v1.WhoAmIRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;

/**
 * Checks before LLM calls and records after them. Make one for a process; safe for many threads.
 *
 * <p>The stubs, {@link #budget()} and the others, are for everything that is not the guard. Their
 * unary calls have the client's deadline unless they are given one; all errors are {@link
 * io.grpc.StatusRuntimeException}.
 */
public final class Client implements AutoCloseable {

  /** Version of this package. */
  public static final String VERSION = "0.1.0";

  private static final Duration READY_PAUSE = Duration.ofMillis(100);

  private final Connection connection;
  private final Breaker breaker;
  private final Duration timeout;
  private final Delivery delivery;
  private final OnUnavailable policy;
  private final ToLongFunction<String> tokenizer;
  private final UsageServiceBlockingStub usage;

  private Client(Builder options) {
    connection = new Connection(options);
    breaker = new Breaker(connection.target(), options.breakDuration, options.timeout);
    timeout = options.timeout;
    policy = options.onUnavailable;
    tokenizer = options.tokenizer;
    usage = UsageServiceGrpc.newBlockingStub(connection.calls());
    try {
      delivery = new Delivery(
              usage, breaker, options.queueMax, options.queuePath, options.flushTimeout);
    } catch (RuntimeException error) {
      connection.close();
      throw error;
    }
  }

  /** Makes a client with all defaults but the address. The first call connects. */
  public static Client connect(String address) {
    return builder().address(address).build();
  }

  /** Begins a client. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Checks, and gives the call to leave: {@code try (Call call = client.guard(request)) {...}}.
   *
   * <p>The end of a try cannot see the exception that ended it, so that a call without recorded
   * usage counts as an error; {@link #guard(GuardRequest, Call.Block)} knows how it ended.
   *
   * @throws BlockedException if the request may not run
   * @throws TollgateUnavailableException if Tollgate cannot be reached and the policy is closed
   * @throws io.grpc.StatusRuntimeException for a defect, such as an unknown workspace
   */
  public Call guard(GuardRequest request) {
    return new Call(this, request);
  }

  /**
   * Puts an LLM call behind Tollgate: checks, runs the block, and records, whatever happens.
   *
   * <p>The block runs the LLM call on {@code call.model()} and hands the provider's answer to
   * {@code call.record}. An exception is recorded as an error, an interruption or {@link
   * java.util.concurrent.CancellationException} as cancelled; it goes on unchanged.
   *
   * @return what the block returns
   * @throws BlockedException if the request may not run
   * @throws TollgateUnavailableException if Tollgate cannot be reached and the policy is closed
   * @throws io.grpc.StatusRuntimeException for a defect, such as an unknown workspace
   * @throws E what the block throws
   */
  public <T, E extends Exception> T guard(GuardRequest request, Call.Block<T, E> block) throws E {
    return guard(request).run(block);
  }

  /**
   * Puts an LLM call that ends on another thread behind Tollgate, as {@link
   * #guardAsync(GuardRequest, Call.AsyncBlock, Executor)} does, and checks on the common pool.
   */
  public <T> CompletionStage<T> guardAsync(GuardRequest request, Call.AsyncBlock<T> block) {
    return guardAsync(request, block, ForkJoinPool.commonPool());
  }

  /**
   * Puts an LLM call that ends on another thread behind Tollgate: checks, runs the block, and records
   * when the stage that it returns is complete. If what this returns is cancelled, as {@link
   * CompletableFuture#cancel} does, the stage of the block is cancelled too, and the call is recorded
   * as cancelled.
   *
   * @param executor where the check waits and the block begins, for example one of virtual threads
   * @return what the stage of the block gives; it fails with {@link BlockedException} and the others
   *     of {@link #guard(GuardRequest, Call.Block)}, and with what the block throws
   */
  public <T> CompletionStage<T> guardAsync(
      GuardRequest request, Call.AsyncBlock<T> block, Executor executor) {
    CompletableFuture<T> result = new CompletableFuture<>();
    executor.execute(
        () -> {
          try {
            guard(request).runAsync(block, result);
          } catch (Throwable error) {
            result.completeExceptionally(error);
          }
        });
    return result;
  }

  /**
   * Goes on with a call whose provider answers later, in this process or in another one: a call that
   * is left with an answer that is {@code queued} or {@code in_progress} is not recorded and keeps
   * its hold, which is kept alive from here on. Once the answer is finished it is recorded, once
   * however many processes do so. A call that is left without an answer, or with one that is still
   * unfinished, is not recorded, however it ends, and can be resumed again.
   *
   * @return the call to leave
   * @throws io.grpc.StatusRuntimeException for a defect, such as an unknown workspace
   */
  public Call resume(ResumeRequest request) {
    return Call.resumed(this, request);
  }

  /**
   * Resumes a call around a block, which asks the provider and hands its answer to {@code
   * call.record}.
   *
   * @return what the block returns
   * @throws io.grpc.StatusRuntimeException for a defect, such as an unknown workspace
   * @throws E what the block throws
   */
  public <T, E extends Exception> T resume(ResumeRequest request, Call.Block<T, E> block)
      throws E {
    return resume(request).run(block);
  }

  /**
   * Waits until Tollgate answers, so that a program can fail at its start.
   *
   * @param within how long at most
   * @throws TollgateUnavailableException if the server does not answer in time
   * @throws StatusRuntimeException if the answer is an error, such as {@code UNAUTHENTICATED} for a
   *     token that is not valid, or if this thread is interrupted
   */
  public void ready(Duration within) {
    long end = System.nanoTime() + within.toNanos();
    while (true) {
      try {
        long left = Math.max(end - System.nanoTime(), READY_PAUSE.toNanos());
        access()
            .withDeadlineAfter(Math.min(left, timeout.toNanos()), TimeUnit.NANOSECONDS)
            .whoAmI(WhoAmIRequest.getDefaultInstance());
        breaker.reached();
        return;
      } catch (StatusRuntimeException error) {
        if (!Connection.UNREACHED.contains(error.getStatus().getCode())) {
          throw error;
        }
        if (System.nanoTime() - end >= 0) {
          String where = connection.target() + " within " + within.toMillis() + " ms";
          throw new TollgateUnavailableException(
              "tollgate does not answer at " + where + ": " + Connection.why(error), error);
        }
      }
      try {
        Thread.sleep(READY_PAUSE.toMillis());
      } catch (InterruptedException interruption) {
        Thread.currentThread().interrupt();
        throw Status.CANCELLED.withCause(interruption).asRuntimeException();
      }
    }
  }

  /** Waits as {@link #flush(Duration)} for the client's flush timeout. */
  public int flush() {
    return delivery.flush(null);
  }

  /**
   * Waits until every record is delivered.
   *
   * @param timeout how long at most
   * @return how many are left
   */
  public int flush(Duration timeout) {
    return delivery.flush(timeout);
  }

  /** Counts the usage records that are queued, delivered, dropped and refused. */
  public Stats stats() {
    return delivery.stats();
  }

  /** Flushes for the client's flush timeout and closes. Runs by itself when the process ends. */
  @Override
  public void close() {
    close(null);
  }

  /**
   * Flushes and closes.
   *
   * @param timeout how long to wait for the queue at most; null for the client's flush timeout
   * @return how many records are left
   */
  public int close(Duration timeout) {
    int left = delivery.close(timeout);
    breaker.stop();
    connection.close();
    return left;
  }

  /** The one channel, with the token and the deadline, for stubs of another kind. */
  public Channel channel() {
    return connection.calls();
  }

  /** Checks, records and holds. */
  public UsageServiceBlockingStub usage() {
    return usage;
  }

  /** Workspaces. */
  public WorkspaceServiceBlockingStub workspace() {
    return WorkspaceServiceGrpc.newBlockingStub(channel());
  }

  /** Plans, budgets and their boosts. */
  public BudgetServiceBlockingStub budget() {
    return BudgetServiceGrpc.newBlockingStub(channel());
  }

  /** Models, prices and exchange rates. */
  public CatalogServiceBlockingStub catalog() {
    return CatalogServiceGrpc.newBlockingStub(channel());
  }

  /** The models of a workspace and their caps. */
  public ModelLimitServiceBlockingStub modelLimit() {
    return ModelLimitServiceGrpc.newBlockingStub(channel());
  }

  /** Quotas and rate limits. */
  public QuotaServiceBlockingStub quota() {
    return QuotaServiceGrpc.newBlockingStub(channel());
  }

  /** API keys and key groups. */
  public ApiKeyServiceBlockingStub apiKey() {
    return ApiKeyServiceGrpc.newBlockingStub(channel());
  }

  /** Alerts and who receives them. */
  public AlertServiceBlockingStub alert() {
    return AlertServiceGrpc.newBlockingStub(channel());
  }

  /** What administrators did. */
  public AuditServiceBlockingStub audit() {
    return AuditServiceGrpc.newBlockingStub(channel());
  }

  /** Names and dates of users, departments, projects and the like. */
  public DirectoryServiceBlockingStub directory() {
    return DirectoryServiceGrpc.newBlockingStub(channel());
  }

  /** Dashboards and reports. */
  public AnalyticsServiceBlockingStub analytics() {
    return AnalyticsServiceGrpc.newBlockingStub(channel());
  }

  /** Seasons and forecasts of usage. */
  public InsightServiceBlockingStub insight() {
    return InsightServiceGrpc.newBlockingStub(channel());
  }

  /** Access tokens, and who the caller is. */
  public AccessServiceBlockingStub access() {
    return AccessServiceGrpc.newBlockingStub(channel());
  }

  /** Says where it leads, and no secret. */
  @Override
  public String toString() {
    return "Client[" + channel().authority() + "]";
  }

  /** Makes a UUIDv7: its first 48 bits are the milliseconds of now, the others random. */
  public static String makeRequestId() {
    UUID random = UUID.randomUUID();
    long high =
        (System.currentTimeMillis() << 16) | 0x7000 | (random.getMostSignificantBits() & 0xFFF);
    return new UUID(high, random.getLeastSignificantBits()).toString();
  }

  Breaker breaker() {
    return breaker;
  }

  Delivery delivery() {
    return delivery;
  }

  OnUnavailable policy() {
    return policy;
  }

  ToLongFunction<String> tokenizer() {
    return tokenizer;
  }

  /** Collects the options of a client. */
  public static final class Builder {
    String address = environment("TOLLGATE_ADDRESS", "127.0.0.1:50051");
    String token = environment("TOLLGATE_TOKEN", null);
    Callable<String> tokenSource;
    byte[] tls;
    Duration timeout = Duration.ofSeconds(2);
    private OnUnavailable onUnavailable = OnUnavailable.OPEN;
    private int queueMax = 10_000;
    private Path queuePath;
    private Duration flushTimeout = Duration.ofSeconds(5);
    private Duration breakDuration = Duration.ofMillis(500);
    private ToLongFunction<String> tokenizer;
    int maxAttempts = 3;
    final List<ClientInterceptor> interceptors = new ArrayList<>();

    private Builder() {}

    /** Shows no option, as there may be a secret in it. */
    @Override
    public String toString() {
      return "Client.Builder";
    }

    /**
     * {@code host}, {@code host:port} or {@code [IPv6]:port}, with 50051 if it says no port; {@code
     * http://host:port} for plaintext or {@code https://host:port} for TLS; {@code dns:host:port};
     * or {@code unix:/path}. By default that of the environment's {@code TOLLGATE_ADDRESS}, or
     * 127.0.0.1:50051.
     */
    public Builder address(String address) {
      this.address = Objects.requireNonNull(address);
      return this;
    }

    /**
     * The secret of an access token; by default that of {@code TOLLGATE_TOKEN}. In plaintext only to
     * loopback. Space around it is left out.
     */
    public Builder token(String token) {
      this.token = token;
      tokenSource = null;
      return this;
    }

    /**
     * Is asked for the token before each call, so that it can be renewed; it is to return at once.
     * What it throws ends the call with {@code UNAUTHENTICATED}.
     */
    public Builder tokenSource(Callable<String> source) {
      tokenSource = Objects.requireNonNull(source);
      token = null;
      return this;
    }

    /** Speaks TLS, and trusts the roots of the system. The default is plaintext. */
    public Builder tls() {
      tls = new byte[0];
      return this;
    }

    /** Speaks TLS, and trusts these roots, in PEM. */
    public Builder tls(byte[] roots) {
      if (roots.length == 0) {
        throw new IllegalArgumentException("no roots are given");
      }
      tls = roots.clone();
      return this;
    }

    /** Deadline of each call; 2 seconds by default. */
    public Builder timeout(Duration timeout) {
      this.timeout = Objects.requireNonNull(timeout);
      return this;
    }

    /** What guards do when Tollgate cannot be reached; {@code OPEN} by default. */
    public Builder onUnavailable(OnUnavailable policy) {
      onUnavailable = Objects.requireNonNull(policy);
      return this;
    }

    /** Most records that wait in memory; 10,000 by default. */
    public Builder queueMax(int records) {
      if (records < 1) {
        throw new IllegalArgumentException("queueMax is at least 1, not " + records);
      }
      queueMax = records;
      return this;
    }

    /**
     * A file in which queued records survive the process, and those that find no room in memory
     * wait; none by default. Each client needs its own.
     */
    public Builder queuePath(Path path) {
      queuePath = path;
      return this;
    }

    /** How long the end of the process waits for the queue; 5 seconds by default. */
    public Builder flushTimeout(Duration timeout) {
      flushTimeout = Objects.requireNonNull(timeout);
      return this;
    }

    /**
     * How long after a call that was not answered no other waits for Tollgate: they end, or run
     * unchecked, at once. Then one finds out whether it answers again. 0.5 seconds by default; zero
     * lets every call wait.
     */
    public Builder breakDuration(Duration duration) {
      if (duration.isNegative() || duration.compareTo(Duration.ofMinutes(1)) > 0) {
        throw new IllegalArgumentException("breakDuration is 0 to 1 minute, not " + duration);
      }
      breakDuration = duration;
      return this;
    }

    /**
     * How often a call is made at most, the first time included, without an answer: of those calls
     * that are the same however often they are made. 3 by default, 1 to 5. What is queued is sent
     * again beyond that.
     */
    public Builder maxAttempts(int count) {
      if (count < 1 || count > Connection.ATTEMPTS_MAX) {
        throw new IllegalArgumentException(
            "maxAttempts is 1 to " + Connection.ATTEMPTS_MAX + ", not " + count);
      }
      maxAttempts = count;
      return this;
    }

    /**
     * Takes every call, those of the guard and of the queue included, with its deadline and its
     * token. Several may be added; the last one is asked first.
     */
    public Builder interceptor(ClientInterceptor interceptor) {
      interceptors.add(Objects.requireNonNull(interceptor));
      return this;
    }

    /** Counts the tokens of a text; estimated as {@link Tokens} says by default. */
    public Builder tokenizer(ToLongFunction<String> tokenizer) {
      this.tokenizer = tokenizer;
      return this;
    }

    /**
     * Makes the client. Does not connect yet: the first call does.
     *
     * @throws IllegalArgumentException for an address that cannot be dialled, a token in plaintext
     *     to another machine, or one that a header cannot carry
     * @throws java.io.UncheckedIOException if the queue file cannot be used, or another client has
     *     it
     */
    public Client build() {
      return new Client(this);
    }

    private static String environment(String name, String otherwise) {
      String value = System.getenv(name);
      return value == null || value.isEmpty() ? otherwise : value;
    }
  }
}
