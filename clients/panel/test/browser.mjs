// Debian's Chromium, and what every page of the panel must keep: no report of its policies, no error,
// nothing that axe finds.

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";

import axe from "axe-core";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) throw new Error("Chromium is missing: apt-get install chromium");

/** Where pictures go, if they are asked for. */
const pictures = process.env.PANEL_PICTURES;

export const DESKTOP = { width: 1280, height: 900 };
export const NARROW = { width: 360, height: 780 };

export function launch() {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A page of its own, which collects what must not happen. */
export async function open(browser, url, options = {}) {
  const { token, ...context } = options;
  const opened = await browser.newContext({
    viewport: DESKTOP,
    locale: "en-US",
    timezoneId: "America/New_York",
    reducedMotion: "reduce",
    ...context,
  });
  await opened.addInitScript((secret) => {
    globalThis.reports = [];
    addEventListener("securitypolicyviolation", (event) => {
      globalThis.reports.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
    if (secret && !sessionStorage.getItem("tollgate.token")) {
      const now = Date.now();
      sessionStorage.setItem(
        "tollgate.token",
        JSON.stringify({ token: secret, began: now, used: now }),
      );
    }
  }, token);
  opened.setDefaultTimeout(10_000);
  opened.on("page", followCalls);
  const page = await opened.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // Refused calls are looked at by their own tests.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
      page.faults.push(message.text());
  });
  await page.goto(url);
  return page;
}

/** Collects the calls of a page that are on their way. */
export function followCalls(page) {
  page.calls = new Set();
  page.on("request", (request) => {
    if (isCall(request.url())) page.calls.add(request);
  });
  for (const end of ["requestfinished", "requestfailed"])
    page.on(end, (request) => page.calls.delete(request));
}

/** Not a stream, which never ends. */
function isCall(url) {
  return /\/tollgate\.v1\.\w+\/(?!Watch)\w+$/.test(url);
}

/** Until no call is on its way, and what was answered is shown. */
export async function settled(page) {
  await page.locator("main h1").first().waitFor();
  const until = Date.now() + 15_000;
  // What is chosen is called for in the next frame, and what is answered shown in another.
  for (let quiet = 0; quiet < 2;) {
    assert.ok(Date.now() < until, "the page settles within 15 seconds");
    const isShown = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const look = () => resolve(document.querySelector("main .skeleton") === null);
          requestAnimationFrame(() => requestAnimationFrame(look));
        }),
    );
    quiet = isShown && page.calls.size === 0 ? quiet + 1 : 0;
  }
}

export async function assertClean(page) {
  assert.deepEqual(
    await page.evaluate(() => globalThis.reports),
    [],
    "reports of the policies of the page",
  );
  assert.deepEqual(page.faults, [], "errors of the page");
}

/** What axe finds: of all its rules, or of some by their names. */
export async function assertAccessible(page, rules) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  const violations = await page.evaluate(async (names) => {
    const options = { resultTypes: ["violations"], ...(names && { runOnly: names }) };
    const { violations } = await globalThis.axe.run(document, options);
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map((node) => node.html.slice(0, 160))
          .join(" | ")}`,
    );
  }, rules);
  assert.deepEqual(violations, [], "what axe finds");
}

/** Nothing is wider than the window. */
export async function assertFits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `the page is ${over} pixels wider than the window`);
}

export async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}
