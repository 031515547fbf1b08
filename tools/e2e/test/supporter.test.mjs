import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, launch, phone, shoot } from "../lib/browser.mjs";
import { crawl } from "../lib/crawl.mjs";
import { give } from "../lib/donor.mjs";
import { eventually, startInstance } from "../lib/instance.mjs";
import { mailedLink } from "../lib/sign-in.mjs";

let site, chrome, signedIn;
before(async () => {
  site = await startInstance();
  chrome = await launch();
});
after(async () => {
  await chrome?.close();
  await site?.stop();
});

// A photo as a phone takes it, made here: a canvas is a camera too.
async function photo(page) {
  const url = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 1200;
    canvas.height = 900;
    const paint = canvas.getContext("2d");
    const sky = paint.createLinearGradient(0, 0, 0, 900);
    sky.addColorStop(0, "#7fb4d8");
    sky.addColorStop(1, "#f2d9a8");
    paint.fillStyle = sky;
    paint.fillRect(0, 0, 1200, 900);
    return canvas.toDataURL("image/jpeg", 0.9);
  });
  return { name: "river.jpg", mimeType: "image/jpeg", buffer: Buffer.from(url.split(",")[1], "base64") };
}

async function raiseMoney(options, email, title) {
  const person = await chrome.visit(options);
  const { page } = person;
  await page.goto(site.url + "/start");
  await page.click("main .card a.button >> nth=0");
  // A mistake first, as happens: everything stays.
  await page.fill('input[name="title"]', title);
  await page.fill('input[name="owner_name"]', "Amina Yusuf");
  await page.fill('input[name="goal"]', "a lot");
  await page.fill('textarea[name="story"]', "I run **because** my aunt lives by that river.\n\n<script>alert(1)</script>\n\n[Read more](https://example.org/)");
  await page.click("main form button[type=submit]");
  await page.waitForSelector("[role=alert]");
  assert.equal(await page.inputValue('input[name="title"]'), title);
  await shoot(page, `start-errors-${title}`);
  await page.fill('input[name="goal"]', "1,500");
  await page.setInputFiles('input[type="file"]', await photo(page).catch(() => withoutScript()));
  await page.fill('input[name="alt"]', "The river at dawn");
  await page.click("main form button[type=submit]");
  await page.waitForURL(/\/preview/);
  assert.equal(await page.locator("main script").count(), 0);
  await shoot(page, `start-preview-${title}`);
  return person;
}

// The smallest picture that is one, for a browser that runs no script.
function withoutScript() {
  return {
    name: "dot.png", mimeType: "image/png",
    buffer: Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z4AVMWAXHqQSAK8GP8EiGq1/AAAAAElFTkSuQmCC", "base64"),
  };
}

test("a supporter starts a page in three steps, publishes it, and a gift to it counts", async () => {
  const person = await raiseMoney({ viewport: phone }, "amina@example.org", "Forty kilometres for the river");
  const { page } = person;
  // The third step: the address, and the link that is mailed there.
  const toSignIn = page.locator('main a[href^="/sign-in"]:visible');
  if (await toSignIn.count()) await toSignIn.first().click();
  await page.fill('main input[name="email"]', "amina@example.org");
  await page.click("main form:has(input[name=email]) button[type=submit]");
  await page.goto(await mailedLink(site, "amina@example.org"));
  await page.click("main form button[type=submit]");
  await page.waitForURL(/\/account\//);
  if (!/\/account\/fundraisers\//.test(page.url())) await page.click('main a[href^="/account/fundraisers/"]');
  await page.waitForURL(/\/account\/fundraisers\//);
  await shoot(page, "own-draft");
  await page.click('main form[action$="/publish"] button');
  const address = await eventually("the page is published", async () => {
    const link = page.locator('main a[href*="/f/"]:visible').first();
    return (await link.count()) && link.getAttribute("href");
  });
  signedIn = await person.context.storageState();
  assert.deepEqual(person.complaints, []);

  const donor = await chrome.visit({ viewport: desktop });
  const publicPath = new URL(address, site.url).pathname;
  await donor.page.goto(site.url + publicPath);
  assert.equal(await donor.page.locator("main img").first().getAttribute("alt"), "The river at dawn");
  assert.ok(await donor.page.evaluate(() => [...document.images].every((image) => image.naturalWidth > 0)), "a picture is broken");
  await shoot(donor.page, "fundraiser-with-photo");
  for (const [name, type] of Object.entries({ "og.png": "image/png", "qr.svg": "image/svg+xml" })) {
    const answer = await fetch(`${site.url}${publicPath}/${name}`);
    assert.equal(answer.headers.get("content-type"), type);
  }
  await give(donor.page, site.url + publicPath + "/donate", { amount: "75", name: "Kim Lee", email: "kim@example.org", message: "Run!" });
  assert.deepEqual(donor.complaints, []);
  await donor.close();

  const facts = await eventually("the gift counts", async () => {
    const found = await (await fetch(site.url + publicPath.replace("/f/", "/api/v1/fundraisers/"))).json();
    return found.gifts === 1 ? found : null;
  });
  assert.equal(facts.settled_minor, 7500);
  await eventually("the owner is mailed", async () => (await site.mails("amina@example.org")).some((mail) => mail.text.includes("75")));
  await page.goto(site.url + "/account/");
  await shoot(page, "own-pages");
  await person.close();
});

test("every page of a supporter's desk", async () => {
  for (const [reader, options] of Object.entries({
    "supporter on a phone": { viewport: phone },
    "supporter in Arabic, dark": { viewport: desktop, locale: "ar", colorScheme: "dark" },
  })) {
    const person = await chrome.visit({ ...options, storageState: signedIn });
    await crawl(person, site, ["/account/", "/account/settings", "/start"], { label: reader });
    await person.close();
  }
});

test("starting a page works without script", async () => {
  const person = await raiseMoney({ viewport: phone, javaScriptEnabled: false }, "noor@example.org", "Without a script");
  assert.deepEqual(person.complaints, []);
  await person.close();
});

test("a link works once, and in the browser that asked for it", async () => {
  const asking = await chrome.visit();
  await asking.page.goto(site.url + "/sign-in");
  await asking.page.fill('main input[name="email"]', "noor@example.org");
  await asking.page.click("main form button[type=submit]");
  const link = await mailedLink(site, "noor@example.org");
  // A scanner opens every link in a mail; it is not spent by that.
  await fetch(link);
  await fetch(link, { method: "HEAD" });
  const other = await chrome.visit();
  await other.page.goto(link);
  assert.ok(await other.page.locator('main input[name="email"]').count(), "another browser is not asked whose link it is");
  await shoot(other.page, "sign-in-elsewhere");
  await asking.page.goto(link);
  await asking.page.click("main form button[type=submit]");
  await asking.page.waitForURL(/\/account\//);
  await other.page.fill('main input[name="email"]', "noor@example.org");
  await other.page.click("main form button[type=submit]");
  assert.ok(!/\/account\//.test(other.page.url()), "a link was good twice");
  await shoot(other.page, "sign-in-dead");
  assert.deepEqual([...asking.complaints, ...other.complaints], []);
  await asking.close();
  await other.close();
});
