// What is served: how much of it, from how many packages, and every text in both languages.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const root = new URL("..", import.meta.url);
const read = (path) => readFileSync(new URL(path, root), "utf8");

const FIRST_LOAD_MAX = 220 * 1024;
const TAB_MAX = 60 * 1024;
const DEPENDENCIES_MAX = 9;

const files = new Map(
  readdirSync(new URL("dist/assets", root)).map((name) => [name, read(`dist/assets/${name}`)]),
);
const sizeOf = (names) =>
  [...names].reduce((sum, name) => sum + gzipSync(files.get(name)).length, 0);

/** A file and all that it imports at once. */
function loaded(name, seen = new Set()) {
  if (seen.has(name) || !files.has(name)) return seen;
  seen.add(name);
  for (const [, imported] of files
    .get(name)
    .matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g))
    loaded(imported, seen);
  return seen;
}

test("the first load, and each further tab, are small", () => {
  const html = read("dist/index.html");
  const first = new Set(
    [...html.matchAll(/assets\/([^"]+)/g)].flatMap(([, name]) => [...loaded(name)]),
  );
  const find = (start) =>
    [...files.keys()].find((name) => name.startsWith(`${start}-`) && name.endsWith(".js"));
  for (const name of loaded(find("en"))) first.add(name);
  const withPage = new Set([...first, ...loaded(find("limits"))]);
  const size = sizeOf(withPage) + gzipSync(html).length;
  assert.ok(size <= FIRST_LOAD_MAX, `the first load has ${size} bytes`);
  for (const tab of [
    "limits",
    "analytics",
    "insight",
    "users",
    "keys",
    "alerts",
    "audit",
    "settings",
    "mine",
  ]) {
    const more = sizeOf([...loaded(find(tab))].filter((name) => !first.has(name)));
    assert.ok(more > 0 && more <= TAB_MAX, `${tab} has ${more} bytes`);
  }
});

test("few packages are part of it", () => {
  const { dependencies } = JSON.parse(read("package.json"));
  assert.ok(
    Object.keys(dependencies).length <= DEPENDENCIES_MAX,
    Object.keys(dependencies).join(", "),
  );
});

/** Texts by their ids, of a catalog of gettext. */
function texts(language) {
  const found = new Map();
  const joined = (block) => [...block.matchAll(/"(.*)"/g)].map(([, part]) => part).join("");
  for (const [, id, text] of read(`src/locales/${language}.po`).matchAll(
    /^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)/gm,
  )) {
    if (joined(id) !== "") found.set(joined(id), joined(text));
  }
  return found;
}

test("every text is there in both languages, with the same places for figures", () => {
  const [english, german] = [texts("en"), texts("de")];
  assert.ok(english.size > 400);
  assert.deepEqual([...german.keys()].toSorted(), [...english.keys()].toSorted());
  const places = (text) => [...text.matchAll(/\{\w+\}|<\/?\d+\/?>/g)].map(String).toSorted();
  for (const [id, text] of german) {
    assert.notEqual(text, "", `no German for: ${id}`);
    assert.deepEqual(places(text), places(id), id);
  }
});

test("nothing of the page is loaded from elsewhere", () => {
  for (const [name, text] of files) {
    const foreign = [...text.matchAll(/\b(?:import|fetch)\(["'`]https?:\/\/[^"'`]+/g)];
    assert.deepEqual(foreign.map(String), [], name);
  }
});
