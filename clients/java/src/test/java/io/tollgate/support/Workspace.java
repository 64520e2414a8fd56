package io.tollgate.support;

import io.tollgate.Client;
import io.tollgate.Money;
import io.tollgate.v1.CreateWorkspaceRequest;
import io.tollgate.v1.EnableModelRequest;
import io.tollgate.v1.GetBudgetRequest;
import io.tollgate.v1.HoldState;
import io.tollgate.v1.ListHoldsRequest;
import io.tollgate.v1.ListUsageRecordsRequest;
import io.tollgate.v1.Plan;
import io.tollgate.v1.SetAutomaticFallbackRequest;
import io.tollgate.v1.SetModelLimitRequest;
import io.tollgate.v1.SetPlanRequest;
import io.tollgate.v1.UsageRecord;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;

/** A workspace with two enabled models, and what the server says of it. */
public final class Workspace {

  private final Client client;
  private final String id = newId();

  public Workspace(Client client) {
    this.client = client;
    client
        .workspace()
        .createWorkspace(
            CreateWorkspaceRequest.newBuilder()
                .setWorkspace(
                    io.tollgate.v1.Workspace.newBuilder()
                        .setWorkspaceId(id)
                        .setCurrencyCode("USD")
                        .setTimeZone("UTC"))
                .build());
    Plan plan =
        Plan.newBuilder()
            .setBudget(usd("1000"))
            .setOverageLimit(usd("0"))
            .setStartDate(LocalDate.now(java.time.ZoneOffset.UTC).withDayOfMonth(1).toString())
            .build();
    client.budget().setPlan(SetPlanRequest.newBuilder().setWorkspaceId(id).setPlan(plan).build());
    for (String model : List.of("gpt-4.1", "gpt-4.1-mini")) {
      client
          .modelLimit()
          .enableModel(
              EnableModelRequest.newBuilder().setWorkspaceId(id).setModelId(model).build());
    }
  }

  public static String newId() {
    return "w" + UUID.randomUUID().toString().substring(0, 13);
  }

  public String id() {
    return id;
  }

  public void cap(String model, String amount, String... fallbacks) {
    client
        .modelLimit()
        .setModelLimit(
            SetModelLimitRequest.newBuilder()
                .setWorkspaceId(id)
                .setModelId(model)
                .setLimit(usd(amount))
                .addAllFallbackModelIds(List.of(fallbacks))
                .build());
  }

  public void fallback(boolean enabled) {
    client
        .budget()
        .setAutomaticFallback(
            SetAutomaticFallbackRequest.newBuilder()
                .setWorkspaceId(id)
                .setEnabled(enabled)
                .build());
  }

  /** The usage log, oldest first. */
  public List<UsageRecord> records() {
    List<UsageRecord> records =
        new ArrayList<>(
            client
                .usage()
                .listUsageRecords(
                    ListUsageRecordsRequest.newBuilder()
                        .setWorkspaceId(id)
                        .setPageSize(1000)
                        .build())
                .getRecordsList());
    Collections.reverse(records);
    return records;
  }

  /** The usage log once it has so many entries. */
  public List<UsageRecord> records(int count) {
    Wait.until(() -> records().size() >= count, () -> "only " + records());
    return records();
  }

  public int holds() {
    return client
        .usage()
        .listHolds(
            ListHoldsRequest.newBuilder()
                .setWorkspaceId(id)
                .setState(HoldState.HOLD_STATE_LIVE)
                .build())
        .getHoldsCount();
  }

  /** Waits for what happens a moment after a record is in the log: its hold ends. */
  public void untilNoHolds() {
    Wait.until(() -> holds() == 0, () -> holds() + " holds are left");
  }

  public BigDecimal spent() {
    return Money.fromProto(
            client
                .budget()
                .getBudget(GetBudgetRequest.newBuilder().setWorkspaceId(id).build())
                .getBudget()
                .getSpent())
        .amount()
        .stripTrailingZeros();
  }

  private static io.tollgate.v1.Money usd(String amount) {
    return Money.of(amount, "USD").toProto();
  }
}
