// What administrators change on the other tabs, as the API has it afterwards.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertClean, launch, open, settled } from "./browser.mjs";
import { Server } from "./server.mjs";

const workspace_id = "demo";
let server;
let browser;
let page;

before(async () => {
  server = await Server.start({ records: 800, generate: ["--users", "60"] });
  browser = await launch();
  page = await open(browser, `${server.url}/w/demo/users`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const go = async (path) => {
  await page.goto(`${server.url}/w/demo/${path}`);
  await settled(page);
};
const dialog = (name) => page.getByRole("dialog", { name });
const gone = (name) => dialog(name).waitFor({ state: "detached" });

test("users are added, found, archived, erased, and uploaded", async () => {
  await go("users");
  await page.getByText("60 in all").waitFor();
  await page.getByRole("button", { name: "Add user" }).click();
  await dialog("Add user").getByLabel("Id").fill("ada");
  await dialog("Add user").getByLabel("Name").fill("Ada Lovelace");
  await dialog("Add user").getByRole("button", { name: "Save" }).click();
  await gone("Add user");
  await page.getByRole("searchbox", { name: "Search users" }).fill("lovelace");
  await page.getByText("1 in all").waitFor();
  await page.getByRole("button", { name: "Archive ada" }).click();
  await dialog("Archive Ada Lovelace").getByRole("button", { name: "Archive" }).click();
  await page.getByText("No users here yet").waitFor();
  await page.getByRole("combobox", { name: "State" }).selectOption("archived");
  await page.getByRole("button", { name: "Erase ada" }).click();
  const erase = dialog("Erase user");
  assert.ok(
    await erase.getByRole("button", { name: "Erase" }).isDisabled(),
    "the id is not typed yet",
  );
  await erase.getByLabel("Type ada to go on").fill("ada");
  await erase.getByRole("button", { name: "Erase" }).click();
  await gone("Erase user");
  await go("users");
  await page.getByRole("button", { name: "Upload CSV" }).click();
  const text = 'id,display_name,department_id\r\nu-1,"Hopper, Grace",research\r\nu-2,Alan,\r\n';
  await dialog("Upload users")
    .getByLabel("CSV file")
    .setInputFiles({ name: "users.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await dialog("Upload users").getByRole("button", { name: "Upload 2 users" }).click();
  await gone("Upload users");
  const { entry } = await server.call("DirectoryService/GetEntry", {
    workspace_id,
    kind: "DIRECTORY_KIND_USER",
    id: "u-1",
  });
  assert.equal(entry.display_name, "Hopper, Grace");
  await assertClean(page);
});

test("quotas, keys, groups and rate limits", async () => {
  await go("keys?view=quotas");
  await page.getByRole("button", { name: "Create quota" }).click();
  const quota = dialog("Create quota");
  await quota.getByLabel("Name").fill("Trial");
  await quota.getByLabel("Id", { exact: true }).fill("u-1");
  await quota.getByLabel("Limit", { exact: true }).fill("1.5");
  await quota.getByLabel("Resets").selectOption({ label: "daily" });
  await quota.getByLabel("At the limit").selectOption({ label: "Soft: warns" });
  await quota.getByRole("button", { name: "Save" }).click();
  await gone("Create quota");
  await page.getByRole("table", { name: "Quotas" }).getByText("Trial").waitFor();
  const { quotas } = await server.call("QuotaService/ListQuotas", { workspace_id });
  assert.deepEqual(
    quotas.map((made) => [made.subject.id, made.limit.amount, made.period, made.enforcement]),
    [["u-1", "1.50", "LIMIT_PERIOD_DAY", "ENFORCEMENT_SOFT"]],
  );
  await go("keys?view=keys");
  await page.getByRole("button", { name: "Add key" }).click();
  await dialog("Add key").getByLabel("Id").fill("key-a");
  await dialog("Add key").getByRole("button", { name: "Save" }).click();
  await gone("Add key");
  await go("keys?view=groups");
  await page.getByRole("button", { name: "Create Group" }).click();
  const group = dialog("Create Group");
  await group.getByLabel("Group name").fill("Search Team");
  await group.getByLabel("Shared quota").fill("20");
  await group.getByLabel("key-a").check();
  await group.getByRole("button", { name: "Create Group" }).click();
  await gone("Create Group");
  const { api_key } = await server.call("ApiKeyService/GetApiKey", {
    workspace_id,
    api_key_id: "key-a",
  });
  assert.equal(api_key.key_group_id, "search-team");
  await go("keys?view=rates");
  await page.getByRole("button", { name: "Create rate limit" }).click();
  const rate = dialog("Create rate limit");
  await rate.getByLabel("Id", { exact: true }).fill("key-a");
  await rate.getByLabel("Requests per minute").fill("10");
  await rate.getByLabel("Requests per day").fill("1,000");
  await rate.getByRole("button", { name: "Save" }).click();
  await gone("Create rate limit");
  const { rate_limits } = await server.call("QuotaService/ListRateLimits", { workspace_id });
  assert.deepEqual(
    rate_limits[0].bounds.map(({ amount }) => Number(amount)),
    [10, 1000],
  );
  await assertClean(page);
});

test("a freeze stops the next request, which says why, and ends", async () => {
  const model_id = "gpt-4.1";
  await server.call("ModelLimitService/EnableModel", { workspace_id, model_id });
  const check = (request_id) =>
    server.call("UsageService/CheckAndRoute", {
      workspace_id,
      request_id,
      model_id,
      input_token_count: 10,
      max_output_token_count: 10,
      attribution: { user_id: "u-1" },
    });
  await go("limits");
  await page.getByRole("button", { name: "Freeze…" }).click();
  await dialog("Freeze").getByLabel("What").selectOption({ label: "User" });
  await dialog("Freeze").getByLabel("Id").fill("u-1");
  await dialog("Freeze").getByLabel("Reason").fill("runs in circles");
  await dialog("Freeze").getByRole("button", { name: "Freeze" }).click();
  await gone("Freeze");
  await page.getByRole("group", { name: "Frozen" }).getByText("runs in circles").waitFor();
  assert.equal((await check("f-1")).decision, "DECISION_BLOCKED");
  await go("live");
  const refused = page.getByRole("table", { name: "Blocked and routed requests" });
  await refused.getByText("user u-1 is frozen in demo").waitFor();
  await refused.getByRole("cell", { name: /u-1/ }).first().waitFor();
  await go("limits");
  await page.getByRole("button", { name: "Unfreeze User: u-1" }).click();
  await page.getByRole("group", { name: "Frozen" }).waitFor({ state: "detached" });
  assert.equal((await check("f-2")).decision, "DECISION_ALLOWED");
  await go("live");
  await page.getByRole("button", { name: "Release f-2" }).click();
  await page.getByText("Nothing is held").waitFor();
  await assertClean(page);
});

test("alerts are acknowledged, thresholds and policies saved, and the audit log has it all", async () => {
  await go("alerts?view=policy");
  await page.getByLabel("Of the budget, in percent").fill("1, 90");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  const { alert_policy } = await server.call("AlertService/GetAlertPolicy", { workspace_id });
  assert.deepEqual(alert_policy.envelope_threshold_percents, [1, 90]);
  const record = {
    workspace_id,
    request_id: "large",
    model_id: "gpt-4.1",
    usage: { input_token_count: 5_000_000 },
    outcome: "OUTCOME_SUCCESS",
  };
  await server.call("UsageService/RecordUsage", record);
  await go("alerts");
  const first = page.getByRole("button", { name: /^Acknowledge alert/ }).first();
  await first.waitFor();
  const name = await first.getAttribute("aria-label");
  await first.click();
  await page.getByRole("button", { name }).waitFor({ state: "detached" });
  await go("settings");
  await page.getByLabel("Days that usage records are kept").fill("5");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").first().waitFor();
  await page.getByLabel("Days that usage records are kept").fill("90");
  await page.getByRole("button", { name: "Save" }).click();
  const kept = async () =>
    (await server.call("WorkspaceService/GetWorkspace", { workspace_id })).workspace
      .usage_retention_days;
  for (let tries = 0; tries < 20 && (await kept()) !== 90; tries++) await page.waitForTimeout(100);
  assert.equal(await kept(), 90);
  await go("audit");
  await page.getByRole("button", { name: "Details of UpdateWorkspace demo" }).first().click();
  const change = page.getByRole("dialog");
  await change.getByText("90", { exact: true }).waitFor();
  await assertClean(page);
});
