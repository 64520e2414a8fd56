package io.tollgate;

import io.tollgate.v1.Attribution;
import io.tollgate.v1.CheckAndRouteRequest;
import io.tollgate.v1.UnitKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * What is said of a guarded call. Immutable; may be used for several calls, each of which gets a
 * request id of its own unless one is given.
 */
public final class GuardRequest {

  private final CheckAndRouteRequest check;
  private final List<Object> contents;
  private final boolean waits;
  private final OnUnavailable onUnavailable;

  private GuardRequest(Builder builder) {
    check = builder.check.build();
    contents = builder.counted ? List.of() : List.copyOf(builder.contents);
    waits = builder.waits;
    onUnavailable = builder.onUnavailable;
  }

  /**
   * Begins a request.
   *
   * @param workspace the workspace that pays
   * @param model the model that you would like
   */
  public static Builder builder(String workspace, String model) {
    return new Builder(workspace, model);
  }

  CheckAndRouteRequest check(ToLongFunction<String> tokenizer) {
    CheckAndRouteRequest.Builder made = check.toBuilder();
    if (!contents.isEmpty()) {
      made.setInputTokenCount(Tokens.estimate(contents, tokenizer));
    }
    if (made.getRequestId().isEmpty()) {
      made.setRequestId(Client.makeRequestId());
    }
    return made.build();
  }

  boolean waits() {
    return waits;
  }

  Optional<OnUnavailable> onUnavailable() {
    return Optional.ofNullable(onUnavailable);
  }

  /**
   * Collects what is said of a call. One of {@link #inputTokens}, {@link #prompt} and {@link
   * #messages} must be; everything else is optional, and null is the same as nothing.
   */
  public static final class Builder {
    private final CheckAndRouteRequest.Builder check = CheckAndRouteRequest.newBuilder();
    private final Attribution.Builder attribution = check.getAttributionBuilder();
    private final List<Object> contents = new ArrayList<>();
    private boolean counted;
    private boolean waits;
    private OnUnavailable onUnavailable;

    private Builder(String workspace, String model) {
      check.setWorkspaceId(workspace).setModelId(model);
    }

    /** Input tokens that are neither read from nor written to a cache. */
    public Builder inputTokens(long tokens) {
      counted = true;
      check.setInputTokenCount(tokens);
      return this;
    }

    /** Text that is estimated in the place of {@link #inputTokens}. */
    public Builder prompt(String text) {
      if (text != null) {
        contents.add(text);
      }
      return this;
    }

    /**
     * Messages that are estimated in the place of {@link #inputTokens}, as {@link Tokens} says: a
     * list, a map, or an object of an SDK; best all parameters of the call, with system instructions
     * and tools.
     */
    public Builder messages(Object messages) {
      if (messages != null) {
        contents.add(messages);
      }
      return this;
    }

    /** Input tokens that will be read from the provider's cache. */
    public Builder cacheReadTokens(long tokens) {
      check.setCacheReadTokenCount(tokens);
      return this;
    }

    /** Input tokens that will be written to a cache of five minutes. */
    public Builder cacheWrite5mTokens(long tokens) {
      check.setCacheWrite5MTokenCount(tokens);
      return this;
    }

    /** Input tokens that will be written to a cache of one hour. */
    public Builder cacheWrite1hTokens(long tokens) {
      check.setCacheWrite1HTokenCount(tokens);
      return this;
    }

    /** Most output tokens, reasoning included; estimated by the server if it is not said. */
    public Builder maxOutputTokens(long tokens) {
      check.setMaxOutputTokenCount(tokens);
      return this;
    }

    /** User on whose behalf the call is made. */
    public Builder user(String id) {
      attribution.setUserId(given(id));
      return this;
    }

    /** Department of the user. */
    public Builder department(String id) {
      attribution.setDepartmentId(given(id));
      return this;
    }

    /** Id of the key that your caller presented, never its secret. */
    public Builder apiKey(String id) {
      attribution.setApiKeyId(given(id));
      return this;
    }

    /** Assistant that makes the call. */
    public Builder assistant(String id) {
      attribution.setAssistantId(given(id));
      return this;
    }

    /** Workflow or application. */
    public Builder workflow(String id) {
      attribution.setWorkflowId(given(id));
      return this;
    }

    /** Feature of the product. */
    public Builder feature(String id) {
      attribution.setFeatureId(given(id));
      return this;
    }

    /** Project that is to be charged. */
    public Builder project(String id) {
      attribution.setProjectId(given(id));
      return this;
    }

    /** Investigation, case or ticket. */
    public Builder investigation(String id) {
      attribution.setInvestigationId(given(id));
      return this;
    }

    /** Session or conversation. */
    public Builder session(String id) {
      attribution.setSessionId(given(id));
      return this;
    }

    /** Free tags, at most 16. */
    public Builder tags(Map<String, String> tags) {
      attribution.clearTags().putAllTags(tags == null ? Map.of() : tags);
      return this;
    }

    /** Most that the call may use beside tokens, by kind. */
    public Builder units(Map<UnitKind, Long> units) {
      check.clearUnits().addAllUnits(Usage.unitsToProto(units));
      return this;
    }

    /** Factors of the price that may apply to the call. */
    public Builder factors(Iterable<String> factors) {
      check.clearFactors().addAllFactors(factors);
      return this;
    }

    /**
     * Names what the provider adds to the input: an earlier response ({@code previous_response_id}),
     * a conversation, cached content. What was last recorded for it counts as input.
     */
    public Builder context(String id) {
      check.setContextId(given(id));
      return this;
    }

    /** Names the request; a UUIDv7 is made otherwise. */
    public Builder requestId(String id) {
      check.setRequestId(given(id));
      return this;
    }

    /** Tier that the call will be served at; the provider's ordinary one otherwise. */
    public Builder serviceTier(ServiceTier tier) {
      check.clearServiceTier();
      if (tier != null) {
        check.setServiceTier(tier.toProto());
      }
      return this;
    }

    /** What a model must be able to do to take this one's place, for example {@code vision}. */
    public Builder requiredCapabilities(Iterable<String> capabilities) {
      check.clearRequiredCapabilities().addAllRequiredCapabilities(capabilities);
      return this;
    }

    /** How long the amount is set aside; 10 minutes otherwise. See {@link Call#extend}. */
    public Builder hold(Duration span) {
      check.clearHoldDuration();
      if (span != null) {
        check.setHoldDuration(Times.durationOf(span));
      }
      return this;
    }

    /** Whether leaving waits until the record is durable, and throws if it is not. */
    public Builder waitForRecord(boolean waits) {
      this.waits = waits;
      return this;
    }

    /** What to do when Tollgate cannot be reached; the client's policy otherwise. */
    public Builder onUnavailable(OnUnavailable policy) {
      onUnavailable = policy;
      return this;
    }

    /**
     * Makes the request.
     *
     * @throws IllegalStateException if nothing is known of its input
     */
    public GuardRequest build() {
      if (!counted && contents.isEmpty()) {
        throw new IllegalStateException("a guard needs inputTokens, prompt or messages");
      }
      return new GuardRequest(this);
    }

    private static String given(String value) {
      return value == null ? "" : value;
    }
  }
}
