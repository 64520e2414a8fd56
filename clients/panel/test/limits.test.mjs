// "Token limits": every element by its role and name, its figures as the API has them, and changes.

import assert from "node:assert/strict";
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
const limitsOf = async () =>
  (await server.call("ModelLimitService/ListModelLimits", { workspace_id })).model_limits;
const show = async (options) => {
  const page = await open(browser, `${server.url}/w/demo/limits`, options);
  await settled(page);
  return page;
};
const section = (page, name) => page.getByRole("region", { name, exact: true });

test("the running cycle, as the API has it", async () => {
  const { budget } = await server.call("BudgetService/GetBudget", { workspace_id });
  const page = await show();
  const card = section(page, "Spending & Budget");
  const figures = {
    "Spent in this cycle": budget.spent,
    "Plan budget": budget.plan_budget,
    "Overage limit": budget.overage_limit,
  };
  for (const [name, money] of Object.entries(figures)) {
    const figure = card.locator("dl > div", { hasText: name }).locator("data").first();
    // To the ninth digit.
    assert.equal(await figure.getAttribute("value"), money.amount, name);
    const rounded = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" }).format(
      money.amount,
    );
    assert.equal(await figure.innerText(), rounded, name);
  }
  assert.equal(await card.getByText("Set by the plan").count(), 2, "two locks say who sets them");
  const bar = card.getByRole("progressbar", { name: "Spent of plan budget, overage and boosts" });
  assert.equal(
    Number(await bar.getAttribute("aria-valuenow")),
    Math.round(budget.used_share * 100),
  );
  assert.match(await bar.getAttribute("aria-valuetext"), /^[\d.,]+ of \$[\d.,]+ \([\d.]+%\)$/);
  assert.equal(await bar.locator(".mark").count(), 1, "a mark at the plan budget");
  await card.getByText("Within plan budget").waitFor();
  await card.getByRole("group", { name: "Billing period" }).waitFor();
  await card
    .getByText(
      /Resets monthly, next on \w+ \d+, \d{4} \(Europe\/Berlin\) · (\d+ days left|last day)/,
    )
    .waitFor();
  await assertClean(page);
  await page.context().close();
});

test("spend by model, the largest first", async () => {
  const { budget } = await server.call("BudgetService/GetBudget", { workspace_id });
  const page = await show();
  const rows = page.getByRole("table", { name: "Spend by model" }).locator("tbody tr");
  const amounts = await rows
    .locator("data")
    .evaluateAll((cells) => cells.map((cell) => cell.getAttribute("value")));
  assert.deepEqual(
    amounts,
    budget.spend_by_model.map(({ spent }) => spent.amount),
  );
  const share = new Intl.NumberFormat("en-US", {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  assert.match(
    await rows.first().innerText(),
    new RegExp(share.format(budget.spend_by_model[0].share).replace(".", "\\.")),
  );
  await page.context().close();
});

test("the switch of automatic fallback is saved, and refused where the server refuses", async () => {
  const page = await show();
  const card = section(page, "Automatic fallback");
  const toggle = card.getByRole("switch", {
    name: "Automatically switch to a cheaper model when a model limit is reached",
  });
  const save = card.getByRole("button", { name: "Save" });
  assert.equal(await toggle.getAttribute("aria-checked"), "true", "on by default");
  assert.ok(await save.isDisabled(), "nothing to save yet");
  await toggle.press("Space");
  assert.equal(await toggle.getAttribute("aria-checked"), "false");
  await save.click();
  await card.getByText("Saved").waitFor();
  const { budget } = await server.call("BudgetService/GetBudget", { workspace_id });
  assert.ok(!budget.automatic_fallback);
  await page.route(/SetAutomaticFallback/, (route) => route.abort());
  await toggle.click();
  await save.click();
  await card.getByRole("alert").waitFor();
  assert.equal(await toggle.getAttribute("aria-checked"), "false", "the state before is back");
  await page.context().close();
});

test("several limits are saved at once, by keyboard, and errors stand at their rows", async () => {
  const models = (await limitsOf()).map(({ model_id }) => model_id);
  const page = await show();
  const card = section(page, "Model limits");
  await card
    .getByText(
      /^Optional: set a limit per cycle \(US Dollar\) for a specific model\. When the limit is reached, requests are automatically routed to a cheaper model \(or blocked if none is available\)\. Leave empty to use the shared org budget pool\.$/,
    )
    .waitFor();
  for (const column of ["Model", "In this cycle", "Limit", "Enabled"]) {
    await card.getByRole("columnheader", { name: column, exact: true }).waitFor();
  }
  const save = card.getByRole("button", { name: "Save" });
  const limit = (model) => card.getByRole("textbox", { name: `Limit of ${model}`, exact: true });
  const toggle = (model) =>
    card.getByRole("switch", { name: `Limit of ${model} enabled`, exact: true });
  assert.ok(await save.isDisabled());
  assert.ok(await toggle(models[0]).isDisabled(), "without a limit there is nothing to enable");
  await limit(models[0]).fill("12.50");
  assert.equal(
    await toggle(models[0]).getAttribute("aria-checked"),
    "true",
    "a new limit is in force",
  );
  await limit(models[1]).fill("twelve");
  await limit(models[1]).press("Enter");
  const cell = card.locator("tr", {
    has: page.getByRole("textbox", { name: `Limit of ${models[1]}`, exact: true }),
  });
  await cell
    .getByRole("alert")
    .filter({ hasText: "Expected an amount, for example 12.50" })
    .waitFor();
  assert.equal((await limitsOf())[0].limit, undefined, "all or nothing");
  await limit(models[1]).fill("2000000000");
  await limit(models[1]).press("Enter");
  await cell.getByRole("alert").waitFor();
  assert.equal(
    (await limitsOf())[0].limit,
    undefined,
    "all or nothing, also where the server refuses",
  );
  await limit(models[1]).fill("0.000000001");
  await limit(models[1]).press("Enter");
  await card.getByText("Saved").waitFor();
  const saved = await limitsOf();
  assert.equal(saved[0].limit.amount, "12.50");
  assert.equal(saved[1].limit.amount, "0.000000001");
  await toggle(models[0]).press("Space");
  await save.press("Enter");
  await card.getByText("Saved").waitFor();
  assert.equal((await limitsOf())[0].limit_enabled, false);
  await limit(models[0]).fill("");
  await save.click();
  await card.getByText("Saved").waitFor();
  assert.equal((await limitsOf())[0].limit, undefined, "empty is the shared pool");
  await assertClean(page);
  await page.context().close();
});

test("of two administrators the second is told", async () => {
  const [{ model_id }] = await limitsOf();
  const first = await show();
  const second = await show();
  const limit = (page) => page.getByRole("textbox", { name: `Limit of ${model_id}`, exact: true });
  const save = (page) =>
    section(page, "Model limits").getByRole("button", { name: "Save" }).click();
  await limit(second).fill("7");
  await limit(first).fill("5");
  await save(first);
  await section(first, "Model limits").getByText("Saved").waitFor();
  await save(second);
  await second
    .getByRole("alert")
    .filter({ hasText: "Somebody else has changed the limits meanwhile" })
    .waitFor();
  assert.equal((await limitsOf())[0].limit.amount.replace(/\.00$/, ""), "5");
  await save(second);
  await section(second, "Model limits").getByText("Saved").waitFor();
  assert.equal((await limitsOf())[0].limit.amount.replace(/\.00$/, ""), "7");
  await first.context().close();
  await second.context().close();
});

test("amounts are typed and shown as the language writes them", async () => {
  const [, , { model_id }] = await limitsOf();
  const page = await show({ locale: "de-DE" });
  const limit = page.getByRole("textbox", { name: `Limit von ${model_id}`, exact: true });
  await limit.fill("1.234,56");
  await limit.press("Enter");
  await section(page, "Modelllimits").getByText("Gespeichert").waitFor();
  assert.equal((await limitsOf())[2].limit.amount, "1234.56");
  const { budget } = await server.call("BudgetService/GetBudget", { workspace_id });
  const spent = section(page, "Ausgaben & Budget").locator("data").first();
  assert.equal(
    await spent.innerText(),
    new Intl.NumberFormat("de-DE", { style: "currency", currency: "USD" }).format(
      budget.spent.amount,
    ),
  );
  await page.context().close();
});

test("models are found in the catalog and enabled", async () => {
  const page = await show();
  await page.getByRole("button", { name: "Enable models" }).click();
  const dialog = page.getByRole("dialog", { name: "Enable models" });
  await dialog.getByRole("searchbox", { name: "Search models" }).fill("gpt-4.1-nano");
  await dialog.getByRole("button", { name: "Enable gpt-4.1-nano", exact: true }).click();
  await page.getByRole("textbox", { name: "Limit of gpt-4.1-nano", exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Details of gpt-4.1-nano", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Block this model" }).click();
  // It has neither a cap nor spend: it is gone from the table.
  await page
    .getByRole("textbox", { name: "Limit of gpt-4.1-nano", exact: true })
    .waitFor({ state: "detached" });
  const found = (await limitsOf()).find(({ model_id }) => model_id === "gpt-4.1-nano");
  assert.ok(!found?.model_enabled);
  await page.context().close();
});

test("what is spent appears by itself, and the states of the budget say what is blocked", async () => {
  const id = "states";
  await server.call("WorkspaceService/CreateWorkspace", {
    workspace: { workspace_id: id, currency_code: "USD", time_zone: "Asia/Kolkata" },
  });
  const page = await open(browser, `${server.url}/w/${id}/limits`);
  await page.getByText("No plan yet: requests that cost anything are blocked").waitFor();
  await page.getByText("No models are enabled yet").waitFor();
  await page.getByText("Nothing spent in this cycle yet").waitFor();
  const plan = {
    budget: { currency_code: "USD", amount: "10" },
    overage_limit: { currency_code: "USD", amount: "10" },
    start_date: "2026-01-01",
  };
  await server.call("BudgetService/SetPlan", { workspace_id: id, plan });
  await page.getByText("Within plan budget").waitFor();
  await server.call("ModelLimitService/EnableModel", { workspace_id: id, model_id: "gpt-4.1" });
  const record = (request_id, input_token_count) =>
    server.call("UsageService/RecordUsage", {
      workspace_id: id,
      request_id,
      model_id: "gpt-4.1",
      usage: { input_token_count },
      outcome: "OUTCOME_SUCCESS",
    });
  // Two dollars a million.
  await record("r-1", 6_000_000);
  await page.getByText("In overage: $2.00 of $10.00 used").waitFor();
  await page.getByText("The plan budget is used up: the workspace is in its overage.").waitFor();
  await record("r-2", 5_000_000);
  await page
    .getByText(
      /^Limit reached: new requests are blocked until \w+ 1, \d{4}, or until the plan is raised$/,
    )
    .waitFor();
  await page.getByText("Asia/Kolkata", { exact: false }).first().waitFor();
  const period = await page.getByRole("group", { name: "Billing period" }).innerText();
  assert.match(period, /^\w+ 1\s–\s(28|29|30|31), \d{4}$/, "whole local days");
  await page.getByRole("button", { name: "Change plan" }).click();
  const dialog = page.getByRole("dialog", { name: "Plan" });
  await dialog.getByRole("textbox", { name: "Plan budget" }).fill("-1");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByRole("textbox", { name: "Plan budget" }).fill("100");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Within plan budget").waitFor();
  await page.context().close();
});
