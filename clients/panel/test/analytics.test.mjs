// "Analytics": every element by its role and name, its figures as the API has them, ranges, export.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { assertClean, launch, open, settled } from "./browser.mjs";
import { Server } from "./server.mjs";

let server;
let browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const workspace_id = "demo";
const dashboard = (range) =>
  server.call("AnalyticsService/GetDashboard", {
    workspace_id,
    ...(range && { range }),
    workflow_order_by: "USAGE_METRIC_REQUESTS",
  });
const show = async (path = "analytics") => {
  const page = await open(browser, `${server.url}/w/demo/${path}`);
  await settled(page);
  return page;
};
const card = (page, name) => page.getByRole("region", { name, exact: true });
const value = (page, name) => card(page, name).locator(".value data").getAttribute("value");

test("the key figures are those of the API", async () => {
  const { overview } = await dashboard();
  const page = await show();
  const figures = {
    "Total users": overview.total_users.value,
    "Tokens used": overview.tokens.value,
    Workflows: overview.total_workflows.value,
    Assistants: overview.total_assistants.value,
    "Total requests": overview.requests.value,
    Spend: overview.spend.value.amount,
  };
  for (const [name, expected] of Object.entries(figures))
    assert.equal(await value(page, name), String(expected), name);
  await card(page, "Total users")
    .getByText(`${overview.active_users.value} active in the period`)
    .waitFor();
  const tokens = card(page, "Tokens used").locator(".exact");
  assert.equal(
    await tokens.textContent(),
    Number(overview.tokens.value).toLocaleString("en-US"),
    "exact on focus",
  );
  await assertClean(page);
  await page.context().close();
});

test("the four charts and the ranking", async () => {
  const report = await dashboard();
  const page = await show();
  const rowsOf = async (name) => {
    const chart = card(page, name);
    await chart.getByText("Show as table").click();
    return chart
      .locator("details tbody tr")
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll(".cell")].map((cell) => cell.textContent)),
      );
  };
  await page.getByRole("img", { name: "Active users by day" }).waitFor();
  const days = await rowsOf("Active users");
  assert.deepEqual(
    days.map(([, users]) => users),
    report.active_users.map(({ user_count }) => String(user_count ?? 0)),
  );
  assert.equal(days.length, 30, "the last 30 days by default");
  assert.equal(
    await card(page, "Active users").locator("path.open").count(),
    1,
    "today is not over: dashed",
  );

  await page.getByRole("img", { name: "Token usage per team" }).waitFor();
  const slices = await card(page, "Token usage per team")
    .getByRole("table", { name: "Tokens by team" })
    .locator("tbody tr")
    .count();
  assert.equal(slices, Math.min(8, report.teams.length), "seven and others");

  await page.getByRole("img", { name: "Requests of the most run workflows" }).waitFor();
  const workflows = await rowsOf("Top workflows by usage");
  assert.deepEqual(
    workflows.map(([name]) => name),
    report.top_workflows.map(({ display_name }) => display_name),
  );
  const runs = report.top_workflows.map(({ request_count }) => Number(request_count));
  assert.deepEqual(
    runs,
    runs.toSorted((a, b) => b - a),
    "most run first",
  );

  await page.getByRole("img", { name: "Users by time to first value" }).waitFor();
  const first = await rowsOf("Time to first value");
  assert.deepEqual(
    first.map(([label]) => label),
    ["<1h", "1-6h", "6-24h", "1-3d", "3-7d", "7+d", "Never"],
  );
  assert.deepEqual(
    first.map(([, users]) => users),
    report.time_to_first_value.buckets.map(({ user_count }) => String(user_count ?? 0)),
  );
  await card(page, "Time to first value")
    .getByText(/(median [\d.]+ (min|hr|days?|sec)|no median) · \d+ users/)
    .waitFor();

  const ranking = page.getByRole("table", { name: "Top assistants by usage" }).locator("tbody tr");
  assert.match(await ranking.first().innerText(), /#1/);
  const ranked = await ranking.evaluateAll((rows) =>
    rows.map((row) => row.querySelector("data").getAttribute("value")),
  );
  assert.deepEqual(
    ranked,
    report.top_assistants.map(({ token_count }) => String(token_count)),
  );
  await assertClean(page);
  await page.context().close();
});

test("ranges are chosen, kept in the address, and refreshed", async () => {
  const page = await show();
  const range = page.getByRole("combobox", { name: "Time range" });
  assert.equal(await range.locator("option:checked").innerText(), "Last 30 days");
  await range.selectOption({ label: "Last 7 days" });
  await page.waitForURL(/range=7d/);
  const week = await dashboard({ preset: "REPORT_PRESET_LAST_7_DAYS" });
  await page.waitForFunction(
    (expected) =>
      document.querySelector('[aria-label="Total requests"] .value data')?.getAttribute("value") ===
      expected,
    String(week.overview.requests.value ?? 0),
  );
  await page.getByRole("button", { name: "Select date range" }).click();
  const dates = page.getByRole("dialog", { name: "Date range" });
  const [first, last] = [week.period.first_date, week.period.first_date];
  await dates.getByLabel("First day").fill(last);
  await dates.getByLabel("Last day").fill(first);
  await dates.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(new RegExp(`from=${first}`));
  const day = await dashboard({ first_date: first, last_date: last });
  await page.waitForFunction(
    (expected) =>
      document.querySelector('[aria-label="Total requests"] .value data')?.getAttribute("value") ===
      expected,
    String(day.overview.requests.value ?? 0),
  );
  await page.getByText(/\(Europe\/Berlin\) · complete up to \d+:\d\d:\d\d/).waitFor();
  const address = page.url();
  const asked = page.waitForRequest(/GetDashboard/);
  await page.getByRole("button", { name: "Refresh" }).click();
  await asked;
  assert.equal(page.url(), address, "the range stays");
  await page.reload();
  await settled(page);
  assert.equal(page.url(), address);
  await page.context().close();
});

test("filters: what they exclude is said", async () => {
  const page = await show("analytics?f=department:nobody");
  await card(page, "Blocked or routed").getByText("not counted with these filters").waitFor();
  assert.ok((await page.getByText("No usage in this range").count()) >= 3);
  await page.getByRole("button", { name: "Remove filter Department" }).click();
  await page.waitForURL(/analytics$/);
  await page.context().close();
});

test("quick actions: the users, and the page as a file", async () => {
  const page = await show();
  const actions = card(page, "Quick actions");
  const downloading = page.waitForEvent("download");
  await actions.getByRole("button", { name: "Analytics export" }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), "usage-report-demo.csv");
  const text = readFileSync(await download.path(), "utf8");
  const { overview, top_assistants } = await dashboard();
  for (const report of [
    "overview",
    "active_users",
    "token_usage_by_team",
    "top_workflows",
    "time_to_first_value",
    "top_assistants",
  ]) {
    assert.match(text, new RegExp(`^${report}\r$`, "m"));
  }
  assert.ok(text.includes(String(overview.tokens.value)), "the tokens of the page");
  assert.ok(text.includes(top_assistants[0].display_name));
  const following = page.waitForEvent("download");
  await actions.getByRole("button", { name: "Usage records as CSV" }).click();
  const records = readFileSync(await (await following).path(), "utf8")
    .trim()
    .split("\n");
  assert.ok(records.length > 1000, `${records.length} lines of the usage log`);
  await actions.getByRole("link", { name: "Manage users" }).click();
  await page.getByRole("heading", { level: 1, name: "Users" }).waitFor();
  await assertClean(page);
  await page.context().close();
});

test("tables that are whole are sorted by any column", async () => {
  const page = await show();
  const table = page.getByRole("table", { name: "Top assistants by usage" });
  const costs = () =>
    table
      .locator("tbody tr")
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll("data")].at(-1).getAttribute("value")),
      );
  const { top_assistants } = await dashboard();
  const given = top_assistants.map(({ cost }) => cost.amount);
  assert.deepEqual(await costs(), given);
  const heading = table.getByRole("columnheader", { name: "Cost" });
  const sorted = given.toSorted((a, b) => Number(b) - Number(a));
  for (const [order, expected] of [
    ["descending", sorted],
    ["ascending", sorted.toReversed()],
    ["none", given],
  ]) {
    await heading.getByRole("button").click();
    assert.equal(await heading.getAttribute("aria-sort"), order);
    assert.deepEqual(await costs(), expected, order);
  }
  await page.context().close();
});

test("the previous period is a second line", async () => {
  const page = await show("analytics?range=7d");
  const chart = card(page, "Active users");
  assert.equal(await chart.locator("path.ghost").count(), 0);
  await chart.getByRole("checkbox", { name: "previous period" }).check();
  await page.waitForURL(/compare=previous/);
  await chart.locator("path.ghost").waitFor();
  const { period } = await dashboard({ preset: "REPORT_PRESET_LAST_7_DAYS" });
  const { active_users } = await dashboard({
    first_date: period.previous_first_date,
    last_date: period.previous_last_date,
  });
  const titles = await chart.locator(".hit title").allTextContents();
  assert.deepEqual(
    titles.map((title) => /\((\d+)\)$/.exec(title)?.[1]),
    active_users.map(({ user_count }) => String(user_count ?? 0)),
  );
  await assertClean(page);
  await page.context().close();
});

test("from a figure to its records", async () => {
  const page = await show("analytics?by=user&metric=requests");
  const result = page.getByRole("table", { name: "Result" });
  const first = result.locator("tbody tr").first().getByRole("button");
  await first.click();
  await page.waitForURL(/f=user/);
  const user_id = new URL(page.url()).searchParams.get("f").replace("user:", "");
  await page.getByRole("button", { name: "Open usage records" }).click();
  const log = page.getByRole("table", { name: "Usage records" });
  await log.waitFor();
  const { period } = await dashboard();
  const { records } = await server.call("UsageService/ListUsageRecords", {
    workspace_id,
    user_id,
    start_time: period.start_time,
    end_time: period.end_time,
    page_size: 20,
  });
  const cells = (at) =>
    log
      .locator("tbody tr")
      .evaluateAll(
        (rows, at) => rows.map((row) => row.querySelectorAll(".cell")[at].textContent),
        at,
      );
  assert.deepEqual(
    await cells(1),
    records.map(({ request_id }) => request_id),
  );
  assert.ok((await cells(2)).every((user) => user === user_id));
  await assertClean(page);
  // The log has no such filter: it says so instead of showing too much.
  await page.goto(`${server.url}/w/demo/analytics?f=provider:openai`);
  await page.getByRole("button", { name: "Open usage records" }).click();
  await page.getByText("cannot be searched by this filter: Provider").waitFor();
  await page.context().close();
});
