/** Sets up a workspace with a plan and a cap, and watches what is spent. */
import { Client, Money, timeOf, Usage } from "tollgate-grpc";
import type { Budget } from "tollgate-grpc/v1";

const [workspaceId = "acme"] = process.argv.slice(2);

await using client = new Client();
await client.workspace.createWorkspace({
  workspace: { workspaceId, currencyCode: "USD", timeZone: "Europe/Berlin" },
});
await client.budget.setPlan({
  workspaceId,
  plan: {
    budget: new Money("100", "USD").toProto(),
    overageLimit: new Money("10", "USD").toProto(),
    startDate: `${new Date().toISOString().slice(0, 7)}-01`,
  },
});
for (const modelId of ["gpt-4.1", "gpt-4.1-mini"]) {
  await client.modelLimit.enableModel({ workspaceId, modelId });
}
await client.modelLimit.setModelLimit({
  workspaceId,
  modelId: "gpt-4.1",
  limit: new Money("0.005", "USD").toProto(),
  fallbackModelIds: ["gpt-4.1-mini"],
});

// A stream stays open until its signal ends it.
const enough = new AbortController();
const watched = client.budget.watchSpend({ workspaceId }, { signal: enough.signal });
const guarded = { workspace: workspaceId, model: "gpt-4.1", inputTokens: 1000 };
let used = false;
for await (const { budget } of watched) {
  show(budget);
  if (!used) {
    used = true;
    await client.guard({ ...guarded, maxOutputTokens: 100 }, (call) => {
      call.record(new Usage({ inputTokens: 1000, outputTokens: 100 }), { model: call.model });
    });
  } else if (budget?.spent && !Money.fromProto(budget.spent).amount.isZero()) {
    break;
  }
}
enough.abort();

function show(budget: Budget | undefined): void {
  if (budget?.spent && budget.held && budget.cycleEndTime) {
    const [spent, held] = [Money.fromProto(budget.spent), Money.fromProto(budget.held)];
    const end = timeOf(budget.cycleEndTime).toISOString().slice(0, 10);
    console.log(`spent ${String(spent)}, held ${String(held)}, until ${end}`);
  }
}
