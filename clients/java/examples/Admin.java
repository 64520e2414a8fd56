import io.grpc.Context;
import io.tollgate.Client;
import io.tollgate.GuardRequest;
import io.tollgate.Money;
import io.tollgate.Times;
import io.tollgate.Usage;
import io.tollgate.v1.Budget;
import io.tollgate.v1.CreateWorkspaceRequest;
import io.tollgate.v1.EnableModelRequest;
import io.tollgate.v1.Plan;
import io.tollgate.v1.SetModelLimitRequest;
import io.tollgate.v1.SetPlanRequest;
import io.tollgate.v1.WatchSpendRequest;
import io.tollgate.v1.WatchSpendResponse;
import io.tollgate.v1.Workspace;
import java.time.LocalDate;
import java.util.Iterator;
import java.util.List;

/** Sets up a workspace with a plan and a cap, and watches what is spent. */
public final class Admin {
  public static void main(String[] arguments) {
    String workspace = arguments[0];
    try (Client client = Client.builder().build();
        Context.CancellableContext watching = Context.current().withCancellation()) {
      setUp(client, workspace);
      WatchSpendRequest watch = WatchSpendRequest.newBuilder().setWorkspaceId(workspace).build();
      watching.run(
          () -> {
            Iterator<WatchSpendResponse> answers = client.budget().watchSpend(watch);
            show(answers.next().getBudget());
            spend(client, workspace);
            Budget budget = answers.next().getBudget();
            show(budget);
            while (Money.fromProto(budget.getSpent()).amount().signum() == 0) {
              budget = answers.next().getBudget();
              show(budget);
            }
          });
    }
  }

  private static void setUp(Client client, String workspace) {
    client
        .workspace()
        .createWorkspace(
            CreateWorkspaceRequest.newBuilder()
                .setWorkspace(
                    Workspace.newBuilder()
                        .setWorkspaceId(workspace)
                        .setCurrencyCode("USD")
                        .setTimeZone("Europe/Berlin"))
                .build());
    Plan plan =
        Plan.newBuilder()
            .setBudget(Money.of("100", "USD").toProto())
            .setOverageLimit(Money.of("10", "USD").toProto())
            .setStartDate(LocalDate.now().withDayOfMonth(1).toString())
            .build();
    client
        .budget()
        .setPlan(SetPlanRequest.newBuilder().setWorkspaceId(workspace).setPlan(plan).build());
    for (String model : List.of("gpt-4.1", "gpt-4.1-mini")) {
      client
          .modelLimit()
          .enableModel(
              EnableModelRequest.newBuilder().setWorkspaceId(workspace).setModelId(model).build());
    }
    client
        .modelLimit()
        .setModelLimit(
            SetModelLimitRequest.newBuilder()
                .setWorkspaceId(workspace)
                .setModelId("gpt-4.1")
                .setLimit(Money.of("0.005", "USD").toProto())
                .addFallbackModelIds("gpt-4.1-mini")
                .build());
  }

  private static void spend(Client client, String workspace) {
    GuardRequest request =
        GuardRequest.builder(workspace, "gpt-4.1").inputTokens(1000).maxOutputTokens(100).build();
    client.guard(
        request,
        call -> {
          call.record(Usage.of(1000, 100), call.model(), null);
          return call.model();
        });
  }

  private static void show(Budget budget) {
    System.out.printf(
        "spent %s, held %s, %d days until %s%n",
        Money.fromProto(budget.getSpent()),
        Money.fromProto(budget.getHeld()),
        budget.getDaysLeft(),
        Times.timeOf(budget.getCycleEndTime()));
  }
}
