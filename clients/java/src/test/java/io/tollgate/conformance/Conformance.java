package io.tollgate.conformance;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.grpc.StatusRuntimeException;
import io.tollgate.BlockedException;
import io.tollgate.Call;
import io.tollgate.Client;
import io.tollgate.GuardRequest;
import io.tollgate.Money;
import io.tollgate.OnUnavailable;
import io.tollgate.ProviderAnswer;
import io.tollgate.Recorded;
import io.tollgate.ResumeRequest;
import io.tollgate.ServiceTier;
import io.tollgate.Stats;
import io.tollgate.Times;
import io.tollgate.Tokens;
import io.tollgate.TollgateUnavailableException;
import io.tollgate.Usage;
import io.tollgate.Verdict;
import io.tollgate.WebhookException;
import io.tollgate.WebhookVerifier;
import io.tollgate.v1.LimitKind;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.RecordUsageRequest;
import io.tollgate.v1.RecordUsageResponse;
import io.tollgate.v1.UnitKind;
import io.tollgate.v1.UsageUnit;
import io.tollgate.v1.WatchSpendRequest;
import io.tollgate.v1.WatchSpendResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/** What the conformance runner speaks with: JSON lines, see clients/conformance/README.md. */
public final class Conformance {

  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  private final Map<Integer, Call> open = new HashMap<>();
  private Client client;
  private Iterator<WatchSpendResponse> stream;

  /** The exception of the block. */
  private static final class OwnException extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private Conformance() {}

  /** Answers one command after the other until the end of input; the hook flushes what is left. */
  public static void main(String[] arguments) throws IOException {
    Conformance program = new Conformance();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject answer;
      try {
        answer = program.answer(JsonParser.parseString(line).getAsJsonObject());
      } catch (Exception error) {
        error.printStackTrace();
        answer = new JsonObject();
        answer.addProperty("error", error.toString());
      }
      System.out.write((GSON.toJson(answer) + "\n").getBytes(StandardCharsets.UTF_8));
      System.out.flush();
    }
  }

  private JsonObject answer(JsonObject command) throws Exception {
    return switch (command.get("command").getAsString()) {
      case "connect" -> connect(command);
      case "guard" -> guard(command);
      case "ready" -> ready(command);
      case "open" -> open(() -> client.guard(request(command)));
      case "resume" -> open(() -> client.resume(resumed(command)));
      case "finish" -> finish(command);
      case "extend" -> extend(command);
      case "parallel" -> parallel(command);
      case "record" -> record(command);
      case "flush" -> left(client.flush(millis(command, "timeout_ms").orElseThrow()));
      case "stats" -> stats();
      case "close" -> close(command);
      case "reduce" -> reduce(command);
      case "estimate" -> estimate(command);
      case "verify_webhook" -> verifyWebhook(command);
      case "watch" -> watch(command);
      case "watched" -> watched();
      case "describe" -> describe();
      case "bench" -> new Bench(client, command).run();
      default -> throw new IllegalArgumentException("no such command");
    };
  }

  private JsonObject connect(JsonObject command) {
    Client.Builder options =
        Client.builder()
            .address(command.get("address").getAsString())
            .timeout(millis(command, "timeout_ms").orElseThrow())
            .onUnavailable(OnUnavailable.valueOf(
                command.get("on_unavailable").getAsString().toUpperCase(Locale.ROOT)));
    text(command, "token").ifPresent(options::token);
    text(command, "token_path")
        .ifPresent(path -> options.tokenSource(() -> Files.readString(Path.of(path))));
    text(command, "tls_roots")
        .ifPresent(roots -> options.tls(roots.getBytes(StandardCharsets.UTF_8)));
    text(command, "queue_path").map(Path::of).ifPresent(options::queuePath);
    millis(command, "flush_timeout_ms").ifPresent(options::flushTimeout);
    millis(command, "break_duration_ms").ifPresent(options::breakDuration);
    given(command, "queue_max").map(JsonElement::getAsInt).ifPresent(options::queueMax);
    JsonObject answer = new JsonObject();
    try {
      client = options.build();
      answer.addProperty("result", "connected");
    } catch (IllegalArgumentException error) {
      answer.addProperty("result", "refused");
      answer.addProperty("message", error.getMessage());
    }
    return answer;
  }

  private JsonObject ready(JsonObject command) {
    long begin = System.nanoTime();
    JsonObject answer = new JsonObject();
    try {
      client.ready(millis(command, "timeout_ms").orElseThrow());
      answer.addProperty("result", "ready");
    } catch (RuntimeException error) {
      answer = failed(error);
    }
    answer.addProperty("elapsed_ms", since(begin));
    return answer;
  }

  private JsonObject watch(JsonObject command) {
    String workspace = command.get("workspace").getAsString();
    stream =
        client
            .budget()
            .watchSpend(WatchSpendRequest.newBuilder().setWorkspaceId(workspace).build());
    return readStream();
  }

  private JsonObject watched() {
    JsonObject answer = readStream();
    while (answer.get("result").getAsString().equals("watching")) {
      answer = readStream();
    }
    return answer;
  }

  private JsonObject readStream() {
    JsonObject answer = new JsonObject();
    try {
      boolean more = stream.hasNext();
      if (more) {
        stream.next();
      }
      answer.addProperty("result", more ? "watching" : "ended");
    } catch (StatusRuntimeException error) {
      answer = failed(error);
    }
    return answer;
  }

  private JsonObject describe() {
    JsonObject answer = new JsonObject();
    answer.addProperty("text", client + " " + client.channel());
    return answer;
  }

  private JsonObject guard(JsonObject command) {
    long begin = System.nanoTime();
    JsonObject answer = new JsonObject();
    Call[] entered = new Call[1];
    try {
      client.guard(
          request(command),
          call -> {
            entered[0] = call;
            return act(call, command);
          });
      answer.addProperty("result", "returned");
    } catch (RuntimeException error) {
      answer = failed(error);
    }
    return told(answer, entered[0], begin);
  }

  private static ResumeRequest resumed(JsonObject command) {
    return ResumeRequest.of(
        command.get("workspace").getAsString(), command.get("request_id").getAsString());
  }

  private JsonObject open(Supplier<Call> guard) {
    long begin = System.nanoTime();
    JsonObject answer = new JsonObject();
    Call call = null;
    try {
      call = guard.get();
      open.put(open.size() + 1, call);
      answer.addProperty("result", "opened");
      answer.addProperty("call", open.size());
    } catch (RuntimeException error) {
      answer = failed(error);
    }
    return told(answer, call, begin);
  }

  private JsonObject finish(JsonObject command) {
    long begin = System.nanoTime();
    Call call = open.get(command.get("call").getAsInt());
    JsonObject answer = new JsonObject();
    try {
      call.run(inside -> act(inside, command));
      answer.addProperty("result", "returned");
    } catch (RuntimeException error) {
      answer = failed(error);
    }
    return told(answer, call, begin);
  }

  private JsonObject extend(JsonObject command) {
    JsonObject answer = new JsonObject();
    try {
      Duration hold = millis(command, "hold_ms").orElseThrow();
      open.get(command.get("call").getAsInt()).extend(hold);
      answer.addProperty("result", "extended");
    } catch (StatusRuntimeException error) {
      answer = failed(error);
    }
    return answer;
  }

  private JsonObject parallel(JsonObject command) throws InterruptedException, ExecutionException {
    long begin = System.nanoTime();
    command.remove("request_id");
    Map<String, Integer> counts = new TreeMap<>();
    for (String result :
        List.of("returned", "blocked", "unavailable", "error", "raised", "cancelled")) {
      counts.put(result, 0);
    }
    ExecutorService pool = Executors.newFixedThreadPool(command.get("concurrency").getAsInt());
    List<Future<JsonObject>> running = new ArrayList<>();
    for (int at = 0; at < command.get("count").getAsInt(); at++) {
      running.add(pool.submit(() -> guard(command)));
    }
    for (Future<JsonObject> one : running) {
      counts.merge(one.get().get("result").getAsString(), 1, Integer::sum);
    }
    pool.shutdown();
    JsonObject answer = new JsonObject();
    counts.forEach(answer::addProperty);
    answer.addProperty("elapsed_ms", since(begin));
    return answer;
  }

  private JsonObject record(JsonObject command) {
    RecordUsageRequest.Builder record =
        RecordUsageRequest.newBuilder()
            .setWorkspaceId(command.get("workspace").getAsString())
            .setRequestId(command.get("request_id").getAsString())
            .setAttempt(given(command, "attempt").map(JsonElement::getAsInt).orElse(0))
            .setModelId(text(command, "model").orElse(""))
            .setAcceptUnread(
                given(command, "accept_unread").map(JsonElement::getAsBoolean).orElse(false))
            .addAllFactors(factors(command))
            .setOutcome(Outcome.valueOf("OUTCOME_" + command.get("outcome").getAsString()));
    given(command, "usage").ifPresent(usage -> record.setUsage(usage(usage).toProto()));
    given(command, "provider_answer")
        .map(JsonElement::getAsJsonObject)
        .ifPresent(
            answer ->
                record.setProviderAnswer(
                    ProviderAnswer.from(
                            text(answer, "provider").orElse(""), parts(answer).toArray())
                        .toProto()));
    text(command, "start_time")
        .ifPresent(time -> record.setStartTime(Times.timestampOf(Instant.parse(time))));
    JsonObject answer = new JsonObject();
    try {
      RecordUsageResponse said = client.usage().recordUsage(record.build());
      answer.addProperty("result", "recorded");
      answer.addProperty("duplicate", said.getDuplicate());
      answer.addProperty("cost", amount(Money.fromProto(said.getCost())));
      answer.add("usage", counts(said.getUsage()));
      answer.addProperty("model", said.getModelId());
      answer.addProperty("unread", said.getUnread());
      answer.addProperty("attempt", said.getAttempt());
    } catch (StatusRuntimeException error) {
      answer = failed(error);
    }
    return answer;
  }

  private JsonObject stats() {
    Stats stats = client.stats();
    JsonObject answer = new JsonObject();
    answer.addProperty("queued", stats.queued());
    answer.addProperty("delivered", stats.delivered());
    answer.addProperty("dropped", stats.dropped());
    answer.addProperty("refused", stats.refused());
    return answer;
  }

  private JsonObject close(JsonObject command) {
    int left = client == null ? 0 : client.close(millis(command, "timeout_ms").orElse(null));
    client = null;
    open.clear();
    return left(left);
  }

  /** The fields of a usage that are not zero. */
  private static JsonObject counts(io.tollgate.v1.Usage usage) {
    JsonObject counts = new JsonObject();
    usage
        .getAllFields()
        .forEach(
            (field, value) -> {
              if (value instanceof Long count) {
                counts.addProperty(field.getName(), count);
              }
            });
    JsonArray units = new JsonArray();
    for (UsageUnit unit : usage.getUnitsList()) {
      JsonObject one = new JsonObject();
      one.addProperty("kind", unit.getKind().name().replace("UNIT_KIND_", ""));
      one.addProperty("count", unit.getCount());
      units.add(one);
    }
    if (!units.isEmpty()) {
      counts.add("units", units);
    }
    return counts;
  }

  private static JsonObject reduce(JsonObject command) {
    JsonObject answer = new JsonObject();
    try {
      JsonArray parts = new JsonArray();
      for (String text : ProviderAnswer.of(parts(command).toArray()).json()) {
        parts.add(JsonParser.parseString(text));
      }
      answer.add("parts", parts);
    } catch (IllegalArgumentException error) {
      answer.addProperty("result", "refused");
      answer.addProperty("message", error.getMessage());
    }
    return answer;
  }

  private static JsonObject estimate(JsonObject command) {
    JsonObject answer = new JsonObject();
    answer.addProperty("tokens", Tokens.estimate(part(command.get("content"))));
    return answer;
  }

  private static JsonObject verifyWebhook(JsonObject command) {
    String[] secrets =
        command.getAsJsonArray("secrets").asList().stream()
            .map(JsonElement::getAsString)
            .toArray(String[]::new);
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    command
        .getAsJsonObject("headers")
        .entrySet()
        .forEach(header -> headers.put(header.getKey(), header.getValue().getAsString()));
    byte[] body = command.get("body").getAsString().getBytes(StandardCharsets.UTF_8);
    JsonObject answer = new JsonObject();
    try {
      WebhookVerifier.of(secrets).verify(headers::get, body);
      answer.addProperty("result", "verified");
    } catch (WebhookException error) {
      answer.addProperty("result", "refused");
      answer.addProperty("message", error.getMessage());
    }
    return answer;
  }

  private static List<Object> parts(JsonObject holder) {
    List<Object> parts = new ArrayList<>();
    holder.getAsJsonArray("parts").forEach(value -> parts.add(part(value)));
    return parts;
  }

  /** A value as Java has it; a text is one. */
  private static Object part(JsonElement value) {
    if (value instanceof JsonPrimitive primitive) {
      return primitive.isString() ? primitive.getAsString() : primitive.getAsNumber();
    }
    return value.isJsonNull() ? null : value;
  }

  private static List<String> factors(JsonObject command) {
    List<String> factors = new ArrayList<>();
    given(command, "factors")
        .ifPresent(list -> list.getAsJsonArray().forEach(name -> factors.add(name.getAsString())));
    return factors;
  }

  static GuardRequest request(JsonObject command) {
    GuardRequest.Builder request =
        GuardRequest.builder(
            command.get("workspace").getAsString(), command.get("model").getAsString());
    given(command, "input_tokens").map(JsonElement::getAsLong).ifPresent(request::inputTokens);
    text(command, "prompt").ifPresent(request::prompt);
    given(command, "max_output_tokens")
        .map(JsonElement::getAsLong)
        .ifPresent(request::maxOutputTokens);
    text(command, "request_id").ifPresent(request::requestId);
    text(command, "user").ifPresent(request::user);
    text(command, "department").ifPresent(request::department);
    text(command, "api_key").ifPresent(request::apiKey);
    text(command, "assistant").ifPresent(request::assistant);
    text(command, "workflow").ifPresent(request::workflow);
    text(command, "feature").ifPresent(request::feature);
    text(command, "project").ifPresent(request::project);
    text(command, "investigation").ifPresent(request::investigation);
    text(command, "session").ifPresent(request::session);
    given(command, "tags")
        .ifPresent(
            tags -> {
              Map<String, String> made = new HashMap<>();
              tags.getAsJsonObject()
                  .entrySet()
                  .forEach(tag -> made.put(tag.getKey(), tag.getValue().getAsString()));
              request.tags(made);
            });
    text(command, "service_tier").map(ServiceTier::valueOf).ifPresent(request::serviceTier);
    text(command, "on_unavailable")
        .map(policy -> OnUnavailable.valueOf(policy.toUpperCase(Locale.ROOT)))
        .ifPresent(request::onUnavailable);
    given(command, "wait").map(JsonElement::getAsBoolean).ifPresent(request::waitForRecord);
    return request.build();
  }

  private static Boolean act(Call call, JsonObject command) {
    String act = command.get("act").getAsString();
    if (act.equals("never_started")) {
      return false;
    }
    if (act.equals("error_before")) {
      throw new OwnException();
    }
    if (!act.equals("unread")) {
      // Of a resumed call it is empty once its hold is gone.
      Objects.requireNonNull(call.model());
    }
    text(command, "output_text").ifPresent(call::appendOutput);
    if (!act.equals("no_usage")) {
      record(call, command);
    }
    if (act.equals("error")) {
      throw new OwnException();
    }
    if (act.equals("cancel")) {
      throw new CancellationException();
    }
    return true;
  }

  /** Hands over what was used. */
  private static void record(Call call, JsonObject command) {
    Optional<JsonObject> answer =
        given(command, "provider_answer").map(JsonElement::getAsJsonObject);
    if (answer.isPresent()) {
      String provider = text(answer.get(), "provider").orElse("");
      parts(answer.get()).forEach(part -> call.recordFrom(provider, part));
    } else {
      given(command, "usage")
          .ifPresent(usage -> call.record(usage(usage).withFactors(factors(command))));
    }
  }

  private static JsonObject failed(RuntimeException error) {
    JsonObject answer = new JsonObject();
    if (error instanceof OwnException) {
      answer.addProperty("result", "raised");
    } else if (error instanceof CancellationException) {
      answer.addProperty("result", "cancelled");
    } else if (error instanceof TollgateUnavailableException) {
      answer.addProperty("result", "unavailable");
      answer.addProperty("message", error.getMessage());
    } else if (error instanceof BlockedException blocked) {
      answer.addProperty("result", "blocked");
      answer.addProperty("decision", "BLOCKED");
      answer.addProperty("request_id", blocked.requestId());
      answer.addProperty("reason", bare(blocked.reason(), "REASON_"));
      answer.addProperty(
          "retry_after_ms", blocked.retryAfter().map(Duration::toMillis).orElse(null));
      answer.addProperty("message", blocked.getMessage());
      answer.add("verdicts", verdicts(blocked.verdicts()));
    } else if (error instanceof StatusRuntimeException status) {
      answer.addProperty("result", "error");
      answer.addProperty("code", status.getStatus().getCode().name());
      answer.addProperty("message", status.getStatus().getDescription());
    } else {
      throw error;
    }
    return answer;
  }

  private static JsonObject told(JsonObject answer, Call call, long begin) {
    answer.addProperty("ran", call != null);
    if (call != null) {
      answer.addProperty("decision", call.decision().map(made -> bare(made, "DECISION_")).orElse(null));
      // Reading it starts the call, which an open one is to do when it is finished.
      boolean isOpen = answer.get("result").getAsString().equals("opened");
      answer.addProperty("model", isOpen ? null : call.model());
      answer.addProperty("request_id", call.requestId());
      answer.addProperty("attempt", call.attempt());
      answer.addProperty("unchecked", call.unchecked());
      answer.addProperty("routed", call.routed());
      answer.addProperty("held", call.held().map(Conformance::amount).orElse(null));
      answer.add("verdicts", verdicts(call.verdicts()));
      answer.addProperty(
          "cost", call.recorded().map(Recorded::cost).map(Conformance::amount).orElse(null));
    }
    answer.addProperty("elapsed_ms", since(begin));
    return answer;
  }

  private static JsonArray verdicts(List<Verdict> said) {
    JsonArray list = new JsonArray();
    for (Verdict verdict : said) {
      JsonObject one = new JsonObject();
      one.addProperty("reason", bare(verdict.reason(), "REASON_"));
      one.add("limit_kind", JsonNull.INSTANCE);
      if (verdict.limitKind() != LimitKind.LIMIT_KIND_UNSPECIFIED) {
        one.addProperty("limit_kind", bare(verdict.limitKind(), "LIMIT_KIND_"));
      }
      one.addProperty("limit", verdict.limit().map(Conformance::amount).orElse(null));
      one.addProperty("spent", verdict.spent().map(Conformance::amount).orElse(null));
      one.addProperty("held", verdict.held().map(Conformance::amount).orElse(null));
      one.addProperty("need", verdict.need().map(Conformance::amount).orElse(null));
      list.add(one);
    }
    return list;
  }

  private static String bare(Enum<?> member, String prefix) {
    return member.name().replaceFirst("^" + prefix, "");
  }

  private static String amount(Money money) {
    BigDecimal amount = money.amount();
    return amount.toPlainString();
  }

  static Usage usage(JsonElement fields) {
    io.tollgate.v1.Usage.Builder usage = io.tollgate.v1.Usage.newBuilder();
    for (Map.Entry<String, JsonElement> field : fields.getAsJsonObject().entrySet()) {
      if (field.getKey().equals("units")) {
        for (JsonElement each : field.getValue().getAsJsonArray()) {
          JsonObject unit = each.getAsJsonObject();
          usage
              .addUnitsBuilder()
              .setKind(UnitKind.valueOf("UNIT_KIND_" + unit.get("kind").getAsString()))
              .setCount(unit.get("count").getAsLong());
        }
      } else {
        usage.setField(
            io.tollgate.v1.Usage.getDescriptor().findFieldByName(field.getKey()),
            field.getValue().getAsLong());
      }
    }
    return Usage.fromProto(usage.build());
  }

  private static Optional<JsonElement> given(JsonObject command, String name) {
    return Optional.ofNullable(command.get(name)).filter(value -> !value.isJsonNull());
  }

  private static Optional<String> text(JsonObject command, String name) {
    return given(command, name).map(JsonElement::getAsString);
  }

  private static Optional<Duration> millis(JsonObject command, String name) {
    return given(command, name).map(value -> Duration.ofMillis(value.getAsLong()));
  }

  private static JsonObject left(int left) {
    JsonObject answer = new JsonObject();
    answer.addProperty("left", left);
    return answer;
  }

  private static long since(long begin) {
    return Duration.ofNanos(System.nanoTime() - begin).toMillis();
  }
}
