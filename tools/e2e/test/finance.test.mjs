import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, launch, phone, shoot } from "../lib/browser.mjs";
import { crawl } from "../lib/crawl.mjs";
import { startInstance } from "../lib/instance.mjs";
import { signIn } from "../lib/sign-in.mjs";

// Three links an hour are mailed to one address, so one signs in once.
let site, chrome, signedIn;
before(async () => {
  site = await startInstance();
  chrome = await launch();
  const demo = await site.run("demo");
  assert.equal(demo.code, 0, demo.err);
  const staff = await chrome.visit();
  await signIn(site, staff.page, "finance@example.org", "/sign-in?next=/finance/");
  assert.equal(new URL(staff.page.url()).pathname, "/finance/");
  signedIn = await staff.context.storageState();
  await staff.close();
});
after(async () => {
  await chrome?.close();
  await site?.stop();
});

test("from the overview's number down to the Stripe id, and back by that id", async () => {
  const staff = await chrome.visit({ viewport: desktop, storageState: signedIn });
  const { page } = staff;
  await page.goto(site.url + "/finance/");
  await shoot(page, "finance-overview");

  // A number of the overview leads to the journal or an account that makes it, …
  await page.locator("main a[href*='/finance/journal']:visible, main a[href*='/finance/accounts/']:visible").first().click();
  await page.waitForURL(/\/finance\/(journal|accounts)/);
  await shoot(page, "finance-journal");
  // … a line of which is an entry, …
  await page.locator("main table a[href*='/finance/entries/']:visible").first().click();
  await page.waitForURL(/\/finance\/entries\//);
  const entry = new URL(page.url()).pathname;
  await shoot(page, "finance-entry");
  // … which names the objects at Stripe that it rests on.
  const text = await page.innerText("main");
  const charge = /\b(ch|py|txn|pi)_\w+/.exec(text)?.[0];
  assert.ok(charge, `no Stripe id on the entry: ${text}`);
  await page.fill("#desk-q", charge);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/finance\/(entries|search|gifts)/);
  const found = await page.innerText("main");
  assert.match(found, new RegExp(charge), "the search box does not lead back");
  assert.ok(entry);
  assert.deepEqual(staff.complaints, []);
  await staff.close();
});

for (const [reader, options] of Object.entries({
  "finance on a desktop": { viewport: desktop },
  "finance on a phone, dark": { viewport: phone, colorScheme: "dark" },
  "finance in Arabic": { viewport: desktop, locale: "ar" },
})) {
  test(`every page of the console: ${reader}`, async () => {
    const staff = await chrome.visit({ ...options, storageState: signedIn });
    const opened = await crawl(staff, site, ["/finance/"], { label: reader });
    assert.ok(opened.length >= 8, `only ${opened.length} pages are linked: ${opened}`);
    await staff.close();
  });
}

test("the console does not exist for who is not of the staff", async () => {
  const supporter = await chrome.visit();
  await signIn(site, supporter.page, "amina@example.org");
  for (const path of ["/finance/", "/finance/journal", "/staff/", "/finance/nothing"]) {
    const answer = await supporter.page.goto(site.url + path);
    assert.equal(answer.status(), 404, path);
  }
  assert.deepEqual(supporter.complaints, []);
  await supporter.close();
});
