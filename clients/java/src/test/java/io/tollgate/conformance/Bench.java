package io.tollgate.conformance;

import com.google.gson.JsonObject;
import io.tollgate.Client;
import io.tollgate.GuardRequest;
import io.tollgate.Usage;
import io.tollgate.v1.CheckAndRouteRequest;
import io.tollgate.v1.CheckAndRouteResponse;
import io.tollgate.v1.Outcome;
import io.tollgate.v1.RecordUsageRequest;
import java.time.Duration;
import java.util.Arrays;

/** The bare two calls, the guard that waits, and the guard that does not, in turns. */
final class Bench {

  /** Enough for the JIT to have seen all three ways. */
  private static final int WARM_UP = 300;

  private final Client client;
  private final String workspace;
  private final String model;
  private final long inputTokens;
  private final long maxOutputTokens;
  private final Usage usage;
  private final int calls;

  Bench(Client client, JsonObject command) {
    this.client = client;
    workspace = command.get("workspace").getAsString();
    model = command.get("model").getAsString();
    inputTokens = command.get("input_tokens").getAsLong();
    maxOutputTokens = command.get("max_output_tokens").getAsLong();
    usage = Conformance.usage(command.get("usage"));
    calls = command.get("calls").getAsInt();
  }

  JsonObject run() {
    String[] names = {"bare_us", "guard_us", "queued_us"};
    Runnable[] ways = {this::bare, () -> guard(true), () -> guard(false)};
    long[][] times = new long[ways.length][calls];
    for (int turn = -WARM_UP; turn < calls; turn++) {
      for (int way = 0; way < ways.length; way++) {
        long begin = System.nanoTime();
        ways[way].run();
        long took = System.nanoTime() - begin;
        if (turn >= 0) {
          times[way][turn] = took;
        }
        client.flush(Duration.ofSeconds(10));
      }
    }
    JsonObject answer = new JsonObject();
    for (int way = 0; way < ways.length; way++) {
      Arrays.sort(times[way]);
      answer.addProperty(names[way], times[way][calls / 2] / 1000);
    }
    return answer;
  }

  private void bare() {
    CheckAndRouteResponse answer =
        client
            .usage()
            .checkAndRoute(
                CheckAndRouteRequest.newBuilder()
                    .setWorkspaceId(workspace)
                    .setRequestId(Client.makeRequestId())
                    .setModelId(model)
                    .setInputTokenCount(inputTokens)
                    .setMaxOutputTokenCount(maxOutputTokens)
                    .build());
    Object said =
        client
            .usage()
            .recordUsage(
                RecordUsageRequest.newBuilder()
                    .setWorkspaceId(workspace)
                    .setRequestId(answer.getRequestId())
                    .setModelId(answer.getModelId())
                    .setUsage(usage.toProto())
                    .setOutcome(Outcome.OUTCOME_SUCCESS)
                    .build());
    if (said == null) {
      throw new IllegalStateException("no answer");
    }
  }

  private void guard(boolean waits) {
    GuardRequest request =
        GuardRequest.builder(workspace, model)
            .inputTokens(inputTokens)
            .maxOutputTokens(maxOutputTokens)
            .waitForRecord(waits)
            .build();
    client.guard(
        request,
        call -> {
          call.record(usage, call.model(), null);
          return null;
        });
  }
}
