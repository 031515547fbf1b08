import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, findings, launch, phone, shoot, sideways } from "../lib/browser.mjs";
import { give } from "../lib/donor.mjs";
import { eventually, startInstance } from "../lib/instance.mjs";
import { signIn } from "../lib/sign-in.mjs";

// Two accountants: what one asks for above the limit, the other decides.
const [first, second] = ["finance@example.org", "second@example.org"];
let site, chrome;
const signedIn = {};
before(async () => {
  site = await startInstance({ ALMONER_STAFF: `${first}:accountant,${second}:accountant` });
  chrome = await launch();
  for (const email of [first, second]) {
    const staff = await chrome.visit();
    await signIn(site, staff.page, email, "/sign-in?next=/finance/");
    signedIn[email] = await staff.context.storageState();
    await staff.close();
  }
});
after(async () => {
  await chrome?.close();
  await site?.stop();
});

async function gift(amount, name, email) {
  const donor = await chrome.visit();
  await donor.page.goto(site.url);
  const appeal = await donor.page.locator("a[href^='/appeals/']").first().getAttribute("href");
  await give(donor.page, site.url + appeal.replace(/\?.*/, "").replace(/\/donate$/, "") + "/donate", { amount, name, email });
  const id = /\/donations\/([^/]+)\//.exec(donor.page.url())[1];
  await donor.close();
  return id;
}

async function clean(page, name) {
  await shoot(page, name);
  assert.deepEqual(await findings(page), [], name);
  assert.ok((await sideways(page)) <= 0, `${name} sticks out to the side`);
}

// Each load asks the services anew, so a page is loaded until it says what is on its way.
async function says(page, words) {
  await eventually(`${page.url()} says ${words}`, async () => {
    await page.reload();
    return words.test(await page.innerText("main"));
  });
}

test("staff give a part of a gift back, and its entry and receipt follow", async () => {
  const id = await gift("60", "Noor Haddad", "noor@example.org");
  const staff = await chrome.visit({ viewport: phone, storageState: signedIn[first] });
  const { page } = staff;
  await page.goto(`${site.url}/finance/gifts/${id}`);
  await says(page, /in force/);
  const receipt = /[A-Z]+-20\d\d-\d{6}/.exec(await page.innerText("main"))[0];
  await page.click(`main a[href$='${id}/refund']`);
  await clean(page, "refund-form");
  await page.fill("#amount", "one");
  await page.click("main form button[type=submit]");
  assert.match(await page.innerText("#amount-error"), /digits/);
  await page.fill("#amount", "12.50");
  await page.click("main form button[type=submit]");
  await page.waitForURL(/\?request=/);
  assert.match(await page.innerText("[role=status]"), /given back/);
  await page.reload();
  await says(page, /refund_paid/);
  assert.equal(await page.locator("h2#refunds + .scroll tbody tr").count(), 1);
  await says(page, new RegExp(`Replaces\\s+${receipt}`));
  await clean(page, "gift-refunded");
  assert.deepEqual(staff.complaints, []);
  await staff.close();
});

test("a second person approves a refund above the limit", async () => {
  const id = await gift("700", "Ines Duarte", "ines@example.org");
  const asking = await chrome.visit({ viewport: desktop, storageState: signedIn[first] });
  await asking.page.goto(`${site.url}/finance/gifts/${id}/refund`);
  assert.match(await asking.page.innerText("main"), /a second person has to agree/);
  await asking.page.click("main form button[type=submit]");
  await asking.page.waitForURL(/\?request=/);
  assert.match(await asking.page.innerText("[role=status]"), /waits for a second person/);
  await asking.page.goto(`${site.url}/finance/refunds?show=waiting`);
  assert.match(await asking.page.innerText("main"), /somebody else has to decide/);
  assert.equal(await asking.page.locator("main form[action*=decision]").count(), 0);
  await asking.close();

  const deciding = await chrome.visit({ viewport: phone, storageState: signedIn[second] });
  await deciding.page.goto(`${site.url}/finance/refunds?show=waiting`);
  await clean(deciding.page, "refunds-waiting");
  await deciding.page.click("main button[name=approve][value='1']");
  await deciding.page.waitForURL(/done=approved/);
  assert.match(await deciding.page.innerText("main"), /given back/);
  await clean(deciding.page, "refunds");
  assert.deepEqual(deciding.complaints, []);
  await deciding.close();
});

test("a dispute shows until when it can be answered", async () => {
  const id = await gift("45", "Tomas Lind", "tomas@example.org");
  const staff = await chrome.visit({ viewport: phone, storageState: signedIn[first] });
  const { page } = staff;
  await page.goto(`${site.url}/finance/gifts/${id}`);
  const payment = /\bpi_\w+/.exec(await page.innerText("main"))[0];
  const disputed = await fetch(site.stripe + "/_sim/dispute", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ payment_intent: payment }),
  });
  assert.ok(disputed.ok, await disputed.clone().text());
  await page.goto(`${site.url}/finance/disputes`);
  await says(page, /\d+ days? left/);
  assert.match(await page.innerText("main"), /needs an answer/);
  await clean(page, "disputes");
  await page.click(`main a[href$='${id}']`);
  await says(page, /held: the gift is disputed/);
  assert.equal(await page.locator(`main a[href$='${id}/refund']`).count(), 0, "a disputed gift can be given back");
  await clean(page, "gift-disputed");
  await page.goto(`${site.url}/finance/`);
  assert.match(await page.innerText(".attention"), /needs an answer/);
  assert.deepEqual(staff.complaints, []);
  await staff.close();
});
