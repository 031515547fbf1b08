import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, findings, launch, phone, shoot, sideways } from "../lib/browser.mjs";
import { cards, fillCard, fillForm, pay } from "../lib/donor.mjs";
import { eventually, startInstance } from "../lib/instance.mjs";
import { signIn } from "../lib/sign-in.mjs";
import { control, truth, until } from "../lib/simulator.mjs";

const [donor, staff] = ["noor@example.org", "finance@example.org"];
const minute = 60;
let site, chrome, planPath;
before(async () => {
  site = await startInstance({ ALMONER_STAFF: `${staff}:accountant` });
  chrome = await launch();
});
after(async () => {
  await chrome?.close();
  await site?.stop();
});

// What the page looks like on a phone and on a desktop; the visitor's own size last.
async function clean(page, name) {
  const own = page.viewportSize();
  for (const [size, viewport] of Object.entries({ phone, desktop })) {
    await page.setViewportSize(viewport);
    if (viewport === phone) await shoot(page, `monthly-${name}`);
    assert.deepEqual(await findings(page), [], `${name} on a ${size}`);
    assert.ok((await sideways(page)) <= 0, `${name} sticks out to the side on a ${size}`);
  }
  await page.setViewportSize(own);
}

// Each load asks the services anew, so a page is loaded until it says what is on its way.
async function says(page, words) {
  await eventually(`${page.url()} says ${words}`, async () => {
    await page.reload();
    return words.test(await page.innerText("main"));
  });
}

/** Finds a mail where the development site keeps them, and opens the plan it links to. */
async function followMail(page, subject) {
  await page.goto(site.url + "/dev/mail");
  await says(page, new RegExp(subject));
  await page.click(`main a:has-text("${subject}")`);
  await page.click("main pre a[href*='/plans/']");
  await page.waitForURL(/\/plans\//);
  return new URL(page.url()).pathname;
}

async function instalment(reason) {
  return (await truth(site)).invoices.find((invoice) => invoice.billing_reason === reason);
}

test("a monthly gift begins", async () => {
  const visitor = await chrome.visit({ viewport: phone });
  const { page } = visitor;
  await page.goto(site.url);
  const appeal = await page.locator("main a[href$='/donate']").first().getAttribute("href");
  await page.goto(site.url + appeal);
  await page.check("input[name=frequency][value=monthly]");
  await fillForm(page, { amount: "25", name: "Noor Haddad", email: donor });
  assert.match(await page.innerText("output.total"), /25\.00.*month/);
  await clean(page, "donate");
  await page.click("main form button[type=submit]");
  await clean(page, "checkout");
  await pay(page, cards.good);
  await page.waitForURL(/\/donations\/.*\/thanks/);
  await page.waitForSelector('a[href^="/receipts/"]', { timeout: 20_000 });
  assert.match(await page.innerText("main"), /first of your monthly gifts/);
  await clean(page, "thanks");
  planPath = await followMail(page, "monthly gift has begun");
  await says(page, /The next charge is on/);
  await clean(page, "active");
  assert.deepEqual(visitor.complaints, []);
  await visitor.close();
});

test("a renewal fails, and without script the donor puts in another card, which is charged", async () => {
  const [plan] = (await truth(site)).subscriptions;
  await control(site, `subscriptions/${plan.id}/fail_next`);
  // An invoice is open to changes for an hour before it is charged.
  await until(site, plan.current_period_end + 61 * minute);

  const reader = await chrome.visit({ viewport: phone, javaScriptEnabled: false });
  const { page } = reader;
  assert.equal(await followMail(page, "could not be charged"), planPath);
  await says(page, /Payment failed[\s\S]*tried again on/);
  assert.match(await page.innerText("main"), /Payments so far\s*1\b/);
  const scripted = await chrome.visit({ viewport: desktop });
  await scripted.page.goto(site.url + planPath);
  await clean(scripted.page, "failing");

  await page.click("main form[action$='/card'] button");
  await page.waitForURL(/\/p\/session\//);
  await scripted.page.goto(page.url());
  await clean(scripted.page, "portal-card");
  await fillCard(page, cards.other);
  await page.click("main form.card button[type=submit]");
  await page.click("a:has-text('Return to the site')");
  await page.waitForURL((url) => url.pathname === planPath);

  // Stripe tries again when it said it would, with the card that is there now.
  const open = await instalment("subscription_cycle");
  assert.equal(open.status, "open");
  await until(site, open.next_payment_attempt + minute);
  await says(page, /Payments so far\s*2\b/);
  await says(page, /Active[\s\S]*The next charge is on/);
  assert.equal(await page.locator("main form[action$='/pause']").count(), 1);
  const { status, payment_intent: payment } = await instalment("subscription_cycle");
  const charges = (await truth(site)).charges.filter((charge) => charge.payment_intent === payment);
  assert.deepEqual([status, charges.map((charge) => charge.status)], ["paid", ["failed", "succeeded"]]);
  assert.notEqual(charges[0].payment_method, charges[1].payment_method, "the card that failed was charged");

  // Both instalments have their receipt.
  await eventually("two receipts", async () => {
    await page.reload();
    return (await page.locator("main table a[href^='/receipts/']").count()) === 2;
  });
  await page.locator("main table a[href^='/receipts/']").first().click();
  assert.match(await page.innerText("main"), /Noor Haddad[\s\S]*25\.00/);
  await scripted.page.goto(page.url());
  await clean(scripted.page, "receipt");
  assert.deepEqual([...reader.complaints, ...scripted.complaints], []);
  await reader.close();
  await scripted.close();
});

test("the books have the second instalment with its receipt", async () => {
  const { charge } = await instalment("subscription_cycle");
  const desk = await chrome.visit({ viewport: desktop });
  const { page } = desk;
  await signIn(site, page, staff, "/sign-in?next=/finance/plans");
  await page.locator("main table a[href^='/finance/plans/']").first().click();
  await page.waitForURL(/\/finance\/plans\//);
  assert.equal(await page.locator("main table a[href^='/finance/gifts/']").count(), 2);
  await clean(page, "console-plan");
  await page.fill("#desk-q", charge);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/finance\/(entries|search|gifts)/);
  await clean(page, "console-charge");
  if (!/\/gifts\//.test(page.url())) await page.locator("main a[href^='/finance/gifts/']").first().click();
  await page.waitForURL(/\/finance\/gifts\//);
  await says(page, /in force/);
  await page.locator("main a[href^='/finance/entries/']").first().click();
  await page.waitForURL(/\/finance\/entries\//);
  assert.match(await page.innerText("main"), /Monthly gift[\s\S]*€25\.00/);
  await clean(page, "console-entry");
  assert.deepEqual(desk.complaints, []);
  await desk.close();
});

test("the donor changes, pauses, takes up and ends the plan", async () => {
  const visitor = await chrome.visit({ viewport: desktop });
  const { page } = visitor;
  const send = (form) => page.click(`main form[action$='/${form}'] button`);
  await page.goto(site.url + planPath);
  await page.fill("#amount", "one");
  await send("amount");
  assert.match(await page.innerText("#amount-error"), /digits/);
  await clean(page, "wrong-amount");
  await page.fill("#amount", "30");
  await send("amount");
  assert.match(await page.innerText("[role=status]"), /30\.00 every month/);
  await page.selectOption("#pause_months", "3");
  await send("pause");
  assert.match(await page.innerText("main"), /Nothing is charged until/);
  await clean(page, "paused");
  await send("resume");
  assert.match(await page.innerText("[role=status]"), /goes on/);
  await page.click("main a.danger");
  await clean(page, "end");
  await send("end");
  await says(page, /Ended on/);
  assert.equal(await page.locator("main form").count(), 0, "what has ended can be changed");
  await clean(page, "ended");
  await page.goto(site.url + "/plans");
  await clean(page, "links");
  await page.fill("#email", donor);
  await page.click("main form button[type=submit]");
  await page.waitForURL(/sent=1/);
  await clean(page, "links-sent");
  assert.deepEqual(visitor.complaints, []);
  await visitor.close();
});
