// Opens every page that can be reached by links, as one person.
import assert from "node:assert/strict";
import { findings, shoot, sideways } from "./browser.mjs";

// One page of each kind is looked at; a hundred entries of one journal are one kind.
function kind(path) {
  return path
    .replace(/\/[0-9a-f]{8}-[0-9a-f-]{27}/g, "/{id}")
    .replace(/\/[A-Z0-9]+-\d{4}-\d+/g, "/{number}")
    .replace(/\/[\w-]{32,}/g, "/{token}")
    .replace(/\/(entries|accounts)\/[\w.:-]+/g, "/$1/{id}")
    .replace(/^\/(f|appeals|embed\/f)\/[a-z0-9-]+/g, "/$1/{slug}")
    .replace(/^\/dev\/mail\/.+/, "/dev/mail/{id}");
}

const files = /\.(png|svg|pdf|eml|json|css|js|jpg|csv|journal)$|\/finance\/exports|\/photos\//;

/**
 * Opens pages from `starts` on, at most one of each kind, and returns the paths that
 * were opened. Each must answer below 400, keep its own policy, fit the screen and
 * satisfy axe (where there is script to run it).
 */
export async function crawl(visitor, site, starts, { label, axe = true, most = 80 }) {
  const { page, complaints } = visitor;
  const queue = [...starts];
  const seen = new Set();
  const opened = [];
  const wrong = [];
  while (queue.length > 0 && opened.length < most) {
    const path = queue.shift();
    const sort = kind(path.replace(/\?.*/, ""));
    if (seen.has(sort)) continue;
    seen.add(sort);
    const answer = await page.goto(site.url + path);
    opened.push(path);
    if (!answer || answer.status() >= 400) {
      wrong.push(`${path}: ${answer?.status()}`);
      continue;
    }
    const over = await sideways(page);
    if (over > 0) wrong.push(`${path}: sticks out ${over} px`);
    if (axe) wrong.push(...(await findings(page)).map((finding) => `${path}: ${finding}`));
    await shoot(page, `${label}${sort}`);
    const links = await page.$$eval("a[href]", (anchors) => anchors.map((anchor) => anchor.href));
    for (const link of links) {
      const url = new URL(link);
      if (url.origin !== site.url || files.test(url.pathname) || url.searchParams.has("lang")) continue;
      // What stands after the question mark is part of what is seen only here.
      queue.push(url.pathname + (/^\/(finance|donations|verify|staff)/.test(url.pathname) ? url.search : ""));
    }
  }
  const all = [...wrong, ...complaints];
  if (all.length > 0) assert.fail(`${label}:\n${all.join("\n")}`);
  return opened;
}
