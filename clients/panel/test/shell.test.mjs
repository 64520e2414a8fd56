// The frame: sign-in and roles, a server that goes away, languages and themes, what is copied.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertAccessible, assertClean, followCalls, launch, open, settled } from "./browser.mjs";
import { Server } from "./server.mjs";

let browser;

before(async () => {
  browser = await launch();
});

after(async () => {
  await browser?.close();
});

async function secured(run) {
  const server = await Server.start({ records: 800, generate: ["--users", "20"] });
  // The first token is made while nobody needs one.
  const tokens = {};
  for (const role of ["OPERATOR", "ADMIN", "VIEWER"]) {
    const workspace_ids = role === "OPERATOR" ? [] : ["demo"];
    const made = await server.call("AccessService/CreateToken", {
      token: { token_id: role.toLowerCase(), role: `ROLE_${role}`, workspace_ids },
    });
    tokens[role] = made.secret;
  }
  const subject = { type: "SUBJECT_TYPE_USER", id: "user-001" };
  const made = await server.call("AccessService/CreateToken", {
    token: { token_id: "holder", role: "ROLE_HOLDER", workspace_ids: ["demo"], subject },
  });
  tokens.HOLDER = made.secret;
  await server.kill();
  server.args = ["--auth", "required"];
  await server.up();
  try {
    await run(server, tokens);
  } finally {
    await server.stop();
  }
}

test("sign-in, and what each role may", async () => {
  await secured(async (server, tokens) => {
    const url = `${server.url}/w/demo/limits`;
    const page = await open(browser, url);
    await page.getByRole("heading", { name: "Sign in to Tollgate" }).waitFor();
    await assertAccessible(page);
    await page.getByLabel("Access token").fill("tg_wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").filter({ hasText: "The token is not valid" }).waitFor();
    await page.getByLabel("Access token").fill(tokens.OPERATOR);
    await page.getByRole("button", { name: "Sign in" }).click();
    await settled(page);
    await page.getByText("Operator", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Change plan" }).waitFor();
    await page.getByRole("link", { name: "Admin" }).waitFor();
    const kept = await page.evaluate(() => [
      document.cookie,
      JSON.stringify(localStorage),
      sessionStorage.length,
    ]);
    assert.deepEqual(kept.slice(0, 1), [""], "no cookie");
    assert.ok(!kept[1].includes(tokens.OPERATOR), "the token is in the session storage alone");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in to Tollgate" }).waitFor();
    await page.context().close();

    const admin = await open(browser, url, { token: tokens.ADMIN });
    await settled(admin);
    await admin
      .getByText("Set by your plan; ask your account contact")
      .first()
      .waitFor({ state: "attached" });
    assert.equal(await admin.getByRole("button", { name: "Change plan" }).count(), 0);
    await admin.getByRole("button", { name: "Enable models" }).waitFor();
    await admin.context().close();

    const viewer = await open(browser, url, { token: tokens.VIEWER });
    await settled(viewer);
    await viewer.getByText("Viewer: may change nothing").waitFor();
    assert.equal(
      await viewer.getByRole("link", { name: "Admin", exact: true }).count(),
      0,
      "for administrators only",
    );
    for (const tab of [
      "limits",
      "insight",
      "users",
      "keys?view=quotas",
      "keys?view=keys",
      "keys?view=groups",
      "keys?view=rates",
      "alerts",
      "alerts?view=policy",
      "alerts?view=receivers",
      "settings",
    ]) {
      await viewer.goto(`${server.url}/w/demo/${tab}`);
      await settled(viewer);
      for (const name of [
        /^Save$/,
        /^Add /,
        /^Create /,
        /^Delete/,
        /^Edit/,
        /^Enable/,
        /^Set /,
        /^Archive/,
        /^Mute/,
        /^Erase/,
      ]) {
        const buttons = await viewer.getByRole("main").getByRole("button", { name }).all();
        for (const button of buttons) assert.ok(await button.isDisabled(), `${tab}: ${name}`);
      }
      const inputs = await viewer
        .locator("main form input:not([type=search]), main form [role=switch]")
        .all();
      for (const input of inputs)
        assert.ok(await input.isDisabled(), `${tab}: an input that can be changed`);
    }
    await viewer.context().close();

    const holder = await open(browser, server.url, { token: tokens.HOLDER });
    await holder.getByRole("heading", { name: "My usage" }).waitFor();
    await holder.getByRole("img", { name: "Tokens by day" }).waitFor();
    await assertAccessible(holder);
    await assertClean(holder);
    await holder.context().close();
  });
});

test("a server that is killed and started again: reconnecting, then right within five seconds", async () => {
  const server = await Server.start({ records: 300, generate: ["--users", "5"] });
  try {
    const page = await open(browser, `${server.url}/w/demo/limits`);
    await settled(page);
    await page.getByText("live", { exact: true }).waitFor();
    await server.kill();
    await page.getByText(/^reconnecting: as of/).waitFor();
    await server.up();
    const up = Date.now();
    await page.getByText("live", { exact: true }).waitFor();
    const model_id = "gpt-4.1";
    await server.call("ModelLimitService/EnableModel", { workspace_id: "demo", model_id });
    await server.call("UsageService/RecordUsage", {
      workspace_id: "demo",
      request_id: "after",
      model_id,
      usage: { input_token_count: 1000 },
      outcome: "OUTCOME_SUCCESS",
    });
    const { budget } = await server.call("BudgetService/GetBudget", { workspace_id: "demo" });
    await page.waitForFunction(
      (spent) => document.querySelector(".figures data")?.getAttribute("value") === spent,
      budget.spent.amount,
    );
    assert.ok(Date.now() - up < 5_000, `right after ${Date.now() - up} ms`);
    await page.context().close();
  } finally {
    await server.stop();
  }
});

test("seven tabs are open and a change is still saved", async () => {
  const server = await Server.start({ records: 300, generate: ["--users", "5"] });
  try {
    const context = await browser.newContext();
    context.on("page", followCalls);
    const pages = [];
    for (let tab = 0; tab < 7; tab++) {
      const page = await context.newPage();
      await page.goto(`${server.url}/w/demo/limits`);
      await page.bringToFront();
      await settled(page);
      // What the browser tells the tabs behind: a headless one shows all of them.
      for (const other of pages) {
        await other.evaluate(() => {
          Object.defineProperty(document, "hidden", { value: true, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        });
      }
      pages.push(page);
    }
    const last = pages.at(-1);
    await last.getByRole("switch", { name: /^Automatically switch/ }).click();
    await last
      .getByRole("region", { name: "Automatic fallback" })
      .getByRole("button", { name: "Save" })
      .click();
    await last.getByText("Saved").waitFor({ timeout: 5_000 });
    await context.close();
  } finally {
    await server.stop();
  }
});

test("workspaces, the address, themes, languages, and what is copied", async () => {
  const server = await Server.start({ records: 300, generate: ["--users", "5"] });
  try {
    await server.call("WorkspaceService/CreateWorkspace", {
      workspace: { workspace_id: "acme", display_name: "Acme" },
    });
    const page = await open(browser, server.url, {
      permissions: ["clipboard-read", "clipboard-write"],
    });
    await page.waitForURL(/\/w\/acme\/limits$/);
    await page.getByRole("link", { name: "Generated" }).click();
    await page.waitForURL(/\/w\/demo\/limits$/);
    await settled(page);
    await page.getByRole("link", { name: "Quotas & keys" }).click();
    await page.waitForURL(/\/w\/demo\/keys$/);
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "Token limits" }).waitFor();
    await page.getByRole("button", { name: "Copy as grpcurl" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const [line] = (await page.evaluate(() => navigator.clipboard.readText())).split("\n");
    assert.equal(
      line,
      `grpcurl -plaintext -d '{"workspace_id":"demo"}' 127.0.0.1:${server.port} tollgate.v1.BudgetService/GetBudget`,
    );
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByRole("combobox", { name: "Theme" }).selectOption("dark");
    assert.notEqual(await background(), light);
    await page.getByRole("combobox", { name: "Language" }).selectOption("de");
    await page.getByRole("heading", { level: 1, name: "Token-Limits" }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Token-Limits" }).waitFor();
    await assertClean(page);
    await page.context().close();
  } finally {
    await server.stop();
  }
});
