// Every page in light, dark, narrow and German: nothing that axe finds, no report of its policies,
// nothing that is wider than the window, and one stream at most.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  DESKTOP,
  NARROW,
  assertAccessible,
  assertClean,
  assertFits,
  launch,
  open,
  picture,
  settled,
} from "./browser.mjs";
import { Server } from "./server.mjs";

const PAGES = {
  limits: ["Token limits", "Token-Limits"],
  analytics: ["Analytics", "Analyse"],
  "analytics?by=model&then=department": ["Analytics", "Analyse"],
  insight: ["Insight", "Einblick"],
  users: ["Users", "Nutzer"],
  "users?view=never": ["Users", "Nutzer"],
  keys: ["Quotas & keys", "Kontingente & Schlüssel"],
  "keys?view=quotas": ["Quotas & keys", "Kontingente & Schlüssel"],
  "keys?view=keys": ["Quotas & keys", "Kontingente & Schlüssel"],
  "keys?view=groups": ["Quotas & keys", "Kontingente & Schlüssel"],
  "keys?view=rates": ["Quotas & keys", "Kontingente & Schlüssel"],
  alerts: ["Alerts", "Meldungen"],
  "alerts?view=policy": ["Alerts", "Meldungen"],
  "alerts?view=receivers": ["Alerts", "Meldungen"],
  "alerts?view=deliveries": ["Alerts", "Meldungen"],
  live: ["Live", "Live"],
  audit: ["Audit", "Protokoll"],
  settings: ["Settings", "Einstellungen"],
};
let server;
let browser;

before(async () => {
  server = await Server.start();
  const workspace_id = "demo";
  const quota = {
    quota_id: "each-user",
    display_name: "Each user",
    subject: { type: "SUBJECT_TYPE_USER" },
    each_subject: true,
    unit: "LIMIT_UNIT_MONEY",
    limit: { currency_code: "USD", amount: "0.05" },
    period: "LIMIT_PERIOD_MONTH",
  };
  await server.call("QuotaService/CreateQuota", { workspace_id, quota });
  const rate_limit = {
    rate_limit_id: "each-key",
    subject: { type: "SUBJECT_TYPE_API_KEY" },
    each_subject: true,
    bounds: [{ unit: "LIMIT_UNIT_REQUESTS", period: "LIMIT_PERIOD_SLIDING_MINUTE", amount: 10 }],
  };
  await server.call("QuotaService/CreateRateLimit", { workspace_id, rate_limit });
  await server.call("ApiKeyService/CreateKeyGroup", {
    workspace_id,
    key_group: { key_group_id: "search", display_name: "Search" },
  });
  await server.call("ApiKeyService/RegisterApiKey", {
    workspace_id,
    api_key: {
      api_key_id: "key-search",
      display_name: "Search",
      key_group_id: "search",
      disabled: true,
    },
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Looks at a page as it is now. */
async function look(page, path, mode, rules) {
  const where = `${path}, ${mode}`;
  await picture(page, `${path.replaceAll(/\W+/g, "-")}-${mode}`);
  await assertAccessible(page, rules).catch((error) => assert.fail(`${where}: ${error.message}`));
  await assertFits(page).catch((error) => assert.fail(`${where}: ${error.message}`));
  await assertClean(page).catch((error) => assert.fail(`${where}: ${error.message}`));
}

test("every page in English: light, dark, and narrow", async () => {
  const page = await open(browser, `${server.url}/icon.svg`);
  for (const [path, [title]] of Object.entries(PAGES)) {
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(`${server.url}/w/demo/${path}`);
    await settled(page);
    await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
    await look(page, path, "light");
    await page.emulateMedia({ colorScheme: "dark" });
    await look(page, path, "dark", ["color-contrast"]);
    await page.setViewportSize(NARROW);
    await look(page, path, "narrow");
  }
  await page.context().close();
});

test("every page in German: wide, and narrow and dark", async () => {
  const page = await open(browser, `${server.url}/icon.svg`, { locale: "de-DE" });
  for (const [path, [, title]] of Object.entries(PAGES)) {
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(`${server.url}/w/demo/${path}`);
    await settled(page);
    await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
    await look(page, path, "german", ["label-content-name-mismatch"]);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize(NARROW);
    await look(page, path, "german-narrow");
  }
  await page.context().close();
});

test("a page has one stream, and none while it is hidden", async () => {
  // Not yet the panel: it has no stream.
  const page = await open(browser, `${server.url}/icon.svg`);
  let streams = 0;
  page.on("request", (request) => (streams += /\/Watch/.test(request.url()) ? 1 : 0));
  const ended = [];
  page.on("requestfailed", (request) => /\/Watch/.test(request.url()) && ended.push(request.url()));
  await page.goto(`${server.url}/w/demo/live`);
  await settled(page);
  await page.getByText("live", { exact: true }).waitFor();
  for (const tab of ["Users", "Alerts", "Live", "Token limits"]) {
    await page.getByRole("link", { name: tab }).first().click();
    await settled(page);
  }
  assert.equal(streams, 1);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.getByText("paused", { exact: true }).waitFor();
  assert.equal(ended.length, 1);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: false, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.getByText("live", { exact: true }).waitFor();
  await page.context().close();
});
