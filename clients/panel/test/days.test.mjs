// Days and hours of charts are those of the workspace's zone: where a day has 25 hours, and where the
// zone is half an hour off. The browser is in another zone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, open, settled } from "./browser.mjs";
import { Server } from "./server.mjs";

// In Berlin the clocks went back in the night to 2026-10-25.
const until = ["--days", "21", "--until", "2026-10-31", "--users", "30"];

let servers;
let browser;

before(async () => {
  const start = (zone) =>
    Server.start({ records: 2000, generate: [...until, "--time-zone", zone] });
  servers = {
    "Europe/Berlin": await start("Europe/Berlin"),
    "Asia/Kolkata": await start("Asia/Kolkata"),
  };
  browser = await launch();
});

after(async () => {
  await browser?.close();
  for (const server of Object.values(servers ?? {})) await server.stop();
});

/** All records of the days, by a reader that knows nothing of the panel. */
async function recordsOf(server, zone, first, last) {
  const local = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const days = new Map();
  const hours = new Map();
  let page_token;
  do {
    const page = await server.call("UsageService/ListUsageRecords", {
      workspace_id: "demo",
      page_size: 300,
      ...(page_token && { page_token }),
    });
    for (const { charge_time, attribution } of page.records ?? []) {
      const [date, time] = local.format(new Date(charge_time)).split(" ");
      if (date < first || date > last) continue;
      if (!days.has(date)) days.set(date, new Set());
      days.get(date).add(attribution?.user_id);
      const hour = `${date} ${Number(time.slice(0, 2))}`;
      // Each billed attempt is a request.
      hours.set(hour, (hours.get(hour) ?? 0) + 1);
    }
    page_token = page.next_page_token;
  } while (page_token);
  return { days, hours };
}

for (const [zone, first, last] of [
  ["Europe/Berlin", "2026-10-24", "2026-10-26"],
  ["Asia/Kolkata", "2026-10-20", "2026-10-22"],
]) {
  test(`days and hours of ${zone}`, async () => {
    const server = servers[zone];
    const { days, hours } = await recordsOf(server, zone, first, last);
    const page = await open(browser, `${server.url}/w/demo/analytics?from=${first}&to=${last}`);
    await settled(page);
    const users = page.getByRole("region", { name: "Active users", exact: true });
    await users.getByText("Show as table").click();
    const rows = await users
      .locator("details tbody tr")
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll(".cell")].map((cell) => cell.textContent)),
      );
    const label = (date) =>
      new Date(`${date}T00:00:00Z`).toLocaleDateString("en-US", {
        dateStyle: "medium",
        timeZone: "UTC",
      });
    const dates = [...days.keys()].toSorted();
    assert.equal(dates.length, 3, "there is usage on each day");
    assert.deepEqual(
      rows,
      dates.map((date) => [label(date), String(days.get(date).size)]),
    );

    const busy = page.getByRole("region", { name: "Busy hours", exact: true });
    const titles = await busy
      .locator(".heat-cell")
      .evaluateAll((cells) => cells.map((cell) => cell.title));
    assert.equal(titles.length, 7 * 24);
    const names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let shown = 0;
    for (const date of dates) {
      const weekday = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
      for (let hour = 0; hour < 24; hour++) {
        // The hour that came twice is the mean of both.
        const times = zone === "Europe/Berlin" && date === "2026-10-25" && hour === 2 ? 2 : 1;
        const mean = (hours.get(`${date} ${hour}`) ?? 0) / times;
        assert.equal(
          titles[weekday * 24 + hour],
          `${names[weekday]} ${hour}:00–${hour + 1}:00: ${mean}`,
        );
        shown += mean > 0 ? 1 : 0;
      }
    }
    assert.ok(shown > 5, `${shown} hours with usage`);
    assert.equal(titles.filter((title) => title === "").length, 4 * 24, "no other day");
    await page.context().close();
  });
}
