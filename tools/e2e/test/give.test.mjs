import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, launch, phone, shoot } from "../lib/browser.mjs";
import { cards, fillCard, fillForm, pay } from "../lib/donor.mjs";
import { startInstance } from "../lib/instance.mjs";

let site, chrome;
before(async () => {
  site = await startInstance();
  chrome = await launch();
});
after(async () => {
  await chrome?.close();
  await site?.stop();
});

async function anyFundraiser() {
  const { appeals } = await (await fetch(site.url + "/api/v1/appeals")).json();
  for (const appeal of appeals) {
    const html = await (await fetch(`${site.url}/appeals/${appeal.slug}`)).text();
    const found = /href="(\/f\/[a-z0-9-]+)"/.exec(html);
    if (found) return found[1];
  }
  throw new Error("no supporter's page in the sample data");
}

test("one gives, another sees the total rise within two seconds", async () => {
  const address = site.url + (await anyFundraiser());
  const watcher = await chrome.visit({ viewport: desktop });
  const donor = await chrome.visit({ viewport: phone });
  await watcher.page.goto(address);
  const progress = watcher.page.locator("[data-live]");
  const before = await progress.innerText();
  await watcher.page.evaluate(() => {
    new MutationObserver(() => { window.roseAt ??= Date.now(); }).observe(document.querySelector("[data-live]"), { childList: true, subtree: true });
  });

  await donor.page.goto(address);
  await donor.page.click("main a.button");
  await fillForm(donor.page, { amount: "41", name: "Zoë Müller-O’Neill", email: "zoe@example.org", message: "From all of us" });
  await donor.page.click("main form button[type=submit]");
  await fillCard(donor.page);
  const paidAt = Date.now();
  await donor.page.click('form[action^="/c/pay/"] button[type="submit"]');
  await donor.page.waitForURL(/\/thanks/);

  await watcher.page.waitForFunction((was) => document.querySelector("[data-live]").innerText !== was, before, { timeout: 10_000 });
  const rose = (await watcher.page.evaluate(() => window.roseAt)) - paidAt;
  assert.ok(rose < 2000, `the total rose ${rose} ms after the donor paid`);
  // The list of gifts follows, with the name that the donor agreed to show.
  await watcher.page.waitForSelector("text=From all of us", { timeout: 10_000 });
  await shoot(watcher.page, "live-total");
  assert.deepEqual(watcher.complaints, []);
  assert.deepEqual(donor.complaints, []);
  await watcher.close();
  await donor.close();
});

test("the whole way works without script", async () => {
  const donor = await chrome.visit({ viewport: phone, javaScriptEnabled: false });
  await donor.page.goto(site.url + "/");
  await donor.page.click("main a.button >> nth=0");
  await fillForm(donor.page, { amount: "12.50", name: "محمد العربي", email: "m@example.org" });
  await donor.page.click("main form button[type=submit]");
  await pay(donor.page);
  await donor.page.waitForURL(/\/thanks/);
  await donor.page.waitForSelector('a[href^="/receipts/"]', { timeout: 20_000 });
  await donor.page.click('a[href^="/receipts/"]');
  assert.match(await donor.page.innerText("main"), /محمد العربي/);
  assert.deepEqual(donor.complaints, []);
  await donor.close();
});

test("a declined card leads back to the form with everything kept", async () => {
  const donor = await chrome.visit({ viewport: phone });
  await donor.page.goto(site.url + "/");
  await donor.page.click("main a.button >> nth=0");
  await fillForm(donor.page, { amount: "33", name: "Amina Yusuf", email: "amina@example.org" });
  await donor.page.click("main form button[type=submit]");
  await pay(donor.page, cards.declined);
  await donor.page.waitForSelector("[role=alert], .error, #error");
  await donor.page.goBack();
  await donor.page.goBack();
  assert.equal(await donor.page.inputValue("#name"), "Amina Yusuf");
  await donor.close();
});

test("a gift can be given with the keyboard alone", async () => {
  const donor = await chrome.visit({ viewport: desktop });
  await donor.page.goto(site.url + "/");
  const press = async (key, times = 1) => {
    for (let i = 0; i < times; i++) await donor.page.keyboard.press(key);
  };
  // Tab until what has the focus is what is wanted: a person does the same.
  const reach = async (selector, most = 80) => {
    for (let i = 0; i < most; i++) {
      await press("Tab");
      if (await donor.page.evaluate((s) => document.activeElement?.matches(s), selector)) {
        const ring = await donor.page.evaluate(() => {
          const style = getComputedStyle(document.activeElement);
          const around = document.activeElement.closest("label");
          return style.outlineStyle !== "none" || style.boxShadow !== "none" || (around && getComputedStyle(around).outlineStyle !== "none");
        });
        assert.ok(ring, `the focus on ${selector} cannot be seen`);
        return;
      }
    }
    assert.fail(`the keyboard does not reach ${selector}`);
  };
  await reach("a.skip");
  await press("Enter");
  await reach("main a.button");
  await press("Enter");
  await donor.page.waitForURL(/\/donate/);
  await reach("#amount");
  await donor.page.keyboard.type("20");
  await reach("#name");
  await donor.page.keyboard.type("Kim");
  await reach("#email");
  await donor.page.keyboard.type("kim@example.org");
  await reach("main form button[type=submit]");
  await press("Enter");
  await donor.page.waitForURL(/\/c\/pay\//);
  await donor.close();
});

test("a mistake is said at the top and beside the field, and nothing is lost", async () => {
  const donor = await chrome.visit({ viewport: phone });
  await donor.page.goto(site.url + "/");
  await donor.page.click("main a.button >> nth=0");
  await donor.page.evaluate(() => { document.querySelector("main form").noValidate = true; });
  await fillForm(donor.page, { amount: "ten", name: "Amina Yusuf", email: "nowhere" });
  await donor.page.click("main form button[type=submit]");
  const links = donor.page.locator("[role=alert] a, .summary-of-errors a, .errors a");
  assert.ok((await links.count()) >= 2);
  await links.first().click();
  assert.equal(await donor.page.evaluate(() => document.activeElement.id), "amount");
  assert.equal(await donor.page.inputValue("#name"), "Amina Yusuf");
  await shoot(donor.page, "donate-errors");
  await donor.close();
});
