// "Insight": forecasts, risks, rhythm and anomalies, as the API has them; what an administrator says
// of an anomaly, and whom the page mutes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertClean, launch, open, settled } from "./browser.mjs";
import { Server } from "./server.mjs";

const workspace_id = "demo";
const HOUR = 3600;
/** The server looks at an hour so long after its end. */
const DELAY = 120;

let server;
let browser;

before(async () => {
  // Enough that most hours have usage: an hour among hours without any is not judged.
  server = await Server.start({ records: 20000 });
  // A key that runs away in the last hour that is over: the server looks at it when it starts.
  const hour = Math.floor((Date.now() / 1000 - DELAY) / HOUR) - 1;
  const { model_limits } = await server.call("ModelLimitService/ListModelLimits", { workspace_id });
  const model_id = model_limits[0].model_id;
  await server.call("UsageService/RecordUsage", {
    workspace_id,
    request_id: "runs-away",
    model_id,
    usage: { input_token_count: "4000000", output_token_count: "100000" },
    outcome: "OUTCOME_SUCCESS",
    start_time: new Date((hour + 0.5) * HOUR * 1000).toISOString(),
    attribution: { api_key_id: "runs-away" },
  });
  await server.kill();
  await server.up();
  for (let waited = 0; ; waited++) {
    const { anomalies, looked_until_time } = await listed();
    if (looked_until_time && anomalies?.length > 0) break;
    assert.ok(waited < 150, "an anomaly is found within 30 seconds");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const listed = () => server.call("InsightService/ListAnomalies", { workspace_id, page_size: 20 });
const forecast = (metric, period) =>
  server.call("InsightService/GetForecast", { workspace_id, metric, period });
const show = async (path = "insight") => {
  const page = await open(browser, `${server.url}/w/demo/${path}`);
  await settled(page);
  return page;
};
const region = (page, name) => page.getByRole("region", { name, exact: true });
const fact = (page, name) => region(page, name).locator(".value data").getAttribute("value");
const rows = (page, name) =>
  page
    .getByRole("table", { name, exact: true })
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll(".cell")].map((cell) => cell.innerText)),
    );

test("the forecast is that of the API, for each figure and period", async () => {
  const page = await show();
  for (const [figure, metric] of [
    ["Cost", "USAGE_METRIC_COST"],
    ["Requests", "USAGE_METRIC_REQUESTS"],
  ]) {
    await region(page, "Forecast").first().getByLabel("Figure").selectOption({ label: figure });
    for (const [until, period] of [
      ["this cycle", "FORECAST_PERIOD_CYCLE"],
      ["this week", "FORECAST_PERIOD_WEEK"],
    ]) {
      await page.getByLabel("Until the end of").selectOption({ label: until });
      await settled(page);
      const expected = await forecast(metric, period);
      const of = (quantity) => quantity.cost?.amount ?? String(quantity.count);
      assert.equal(await fact(page, "So far"), of(expected.known), `${figure}, ${until}`);
      const chart = page.getByRole("img", { name: /^Forecast by (day|hour)$/ });
      assert.equal(await chart.locator(".hit").count(), expected.points.length);
      assert.equal(await chart.locator(".band").count(), 2, "80 and 95 percent");
    }
  }
  assert.match(page.url(), /metric=requests/);
  assert.match(page.url(), /period=week/);
  await page.reload();
  await settled(page);
  assert.equal(
    await page.getByLabel("Until the end of").locator("option:checked").innerText(),
    "this week",
  );
  await assertClean(page);
  await page.context().close();
});

test("limits at risk, most likely first", async () => {
  const page = await show();
  const { risks } = await server.call("InsightService/ListBudgetRisks", { workspace_id });
  const shown = await rows(page, "Limits at risk");
  assert.equal(shown.length, risks.length);
  const percent = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 1 });
  assert.deepEqual(
    shown.map((cells) => cells[4]),
    risks.map(({ outlook }) => percent.format(outlook.probability ?? 0)),
  );
  await page.context().close();
});

test("the rhythm of days and weeks", async () => {
  const page = await show();
  const { hour_of_day, day_of_week } = await server.call("InsightService/GetSeasonality", {
    workspace_id,
    metric: "USAGE_METRIC_COST",
  });
  for (const [name, profile] of [
    ["Hours of the day", hour_of_day],
    ["Days of the week", day_of_week],
  ]) {
    const part = region(page, name);
    assert.equal(await part.locator(".column").count(), profile.parts.length, name);
    const said = await part.locator(".hint").innerText();
    assert.match(said, profile.significant ? /^Explains .* most at / : /^No more than chance/);
  }
  await page.context().close();
});

test("an anomaly is shown, explained, judged and muted", async () => {
  const page = await show();
  const { anomalies } = await listed();
  const shown = await rows(page, "Anomalies");
  assert.equal(shown.length, anomalies.length);
  const at = anomalies.findIndex(({ subject }) => subject.type === "SUBJECT_TYPE_WORKSPACE");
  assert.ok(at >= 0, "of the workspace");
  assert.match(shown[at][0], /Spike\s+Organisation/);
  assert.match(shown[at][5], /API key: runs-away/);

  const row = page
    .getByRole("table", { name: "Anomalies", exact: true })
    .locator("tbody tr")
    .nth(at);
  await row.getByRole("combobox").selectOption({ label: "It was planned" });
  await settled(page);
  const found = (await listed()).anomalies.find(
    ({ anomaly_id }) => anomaly_id === anomalies[at].anomaly_id,
  );
  assert.equal(found.feedback, "ANOMALY_FEEDBACK_EXPECTED");

  await row.getByRole("button", { name: /^Mute/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("For how long").selectOption({ label: "30 days" });
  await dialog.getByRole("button", { name: "Mute", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  const { anomaly_policy } = await server.call("InsightService/GetAnomalyPolicy", { workspace_id });
  assert.equal(anomaly_policy.mutes.length, 1);
  const days = (new Date(anomaly_policy.mutes[0].end_time) - Date.now()) / (24 * HOUR * 1000);
  assert.ok(days > 29.9 && days <= 30, `${days} days`);
  await page.getByRole("button", { name: /^Unmute/ }).click();
  await page
    .getByRole("table", { name: "Muted subjects and raised bars" })
    .waitFor({ state: "detached" });

  const policy = region(page, "Anomaly policy");
  await policy.getByLabel("Sensitivity").selectOption({ label: "Low: the worst alone" });
  await policy.getByLabel("Least impact in USD").fill("x");
  await policy.getByRole("button", { name: "Save" }).click();
  await policy.getByText("Expected an amount, or nothing").waitFor();
  await policy.getByLabel("Least impact in USD").fill("2.50");
  await policy.getByRole("button", { name: "Save" }).click();
  await policy.getByText("Saved").waitFor();
  const saved = await server.call("InsightService/GetAnomalyPolicy", { workspace_id });
  assert.equal(saved.anomaly_policy.sensitivity, "ANOMALY_SENSITIVITY_LOW");
  assert.equal(Number(saved.anomaly_policy.least_impact.amount), 2.5);
  await assertClean(page);
  await page.context().close();
});

test("the token limits say where the cycle ends", async () => {
  const page = await show("limits");
  await page.getByText(/^(Forecast: .* at the end of the cycle|At this pace: )/).waitFor();
  await page.context().close();
});
