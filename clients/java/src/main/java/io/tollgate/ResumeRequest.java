package io.tollgate;

import io.tollgate.v1.Hold;
import io.tollgate.v1.ListHoldsRequest;
import io.tollgate.v1.ListHoldsResponse;
import java.time.Duration;
import java.util.Objects;

/**
 * Says which call is resumed: one whose provider answers later. Immutable.
 *
 * @param workspace the workspace that pays
 * @param requestId that of the call which was begun
 * @param attempt that of the call which was begun; 0 for that of the hold
 * @param model the model that the call runs on; empty for that of the hold
 * @param hold lifetime of the hold from each extension
 * @param waitForRecord whether leaving waits until the record is durable, and throws if it is not
 */
public record ResumeRequest(
    String workspace,
    String requestId,
    int attempt,
    String model,
    Duration hold,
    boolean waitForRecord) {

  /** The largest page of holds that there is. */
  private static final int HOLDS_PAGE = 1000;

  /** Checks what is given. */
  public ResumeRequest {
    Objects.requireNonNull(model);
    Objects.requireNonNull(hold);
    if (workspace.isEmpty() || requestId.isEmpty()) {
      throw new IllegalArgumentException("a call is resumed by its workspace and its requestId");
    }
  }

  /** Names a call; attempt and model are those of its hold, which is extended by 10 minutes. */
  public static ResumeRequest of(String workspace, String requestId) {
    return new ResumeRequest(workspace, requestId, 0, "", Keeper.HOLD_DEFAULT, false);
  }

  /** The same with an attempt. */
  public ResumeRequest withAttempt(int attempt) {
    return new ResumeRequest(workspace, requestId, attempt, model, hold, waitForRecord);
  }

  /** The same with a model. */
  public ResumeRequest withModel(String model) {
    return new ResumeRequest(workspace, requestId, attempt, model, hold, waitForRecord);
  }

  /** The same with another life of the hold. */
  public ResumeRequest withHold(Duration hold) {
    return new ResumeRequest(workspace, requestId, attempt, model, hold, waitForRecord);
  }

  /** The same, waiting for the record or not. */
  public ResumeRequest withWaitForRecord(boolean waits) {
    return new ResumeRequest(workspace, requestId, attempt, model, hold, waits);
  }

  /** Finds what the check has said of the request; an empty hold if it is gone. */
  Hold hold(Client client) {
    String page = "";
    do {
      ListHoldsResponse holds =
          client
              .usage()
              .listHolds(
                  ListHoldsRequest.newBuilder()
                      .setWorkspaceId(workspace)
                      .setPageSize(HOLDS_PAGE)
                      .setPageToken(page)
                      .build());
      for (Hold hold : holds.getHoldsList()) {
        if (hold.getRequestId().equals(requestId)) {
          return hold;
        }
      }
      page = holds.getNextPageToken();
    } while (!page.isEmpty());
    return Hold.getDefaultInstance();
  }
}
