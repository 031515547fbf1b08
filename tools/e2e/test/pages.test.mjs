import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, findings, launch, phone, shoot, sideways } from "../lib/browser.mjs";
import { crawl } from "../lib/crawl.mjs";
import { give } from "../lib/donor.mjs";
import { startInstance } from "../lib/instance.mjs";

let site, chrome, receipt, thanks;
before(async () => {
  site = await startInstance();
  chrome = await launch();
  const donor = await chrome.visit();
  const { appeals } = await (await fetch(site.url + "/api/v1/appeals")).json();
  await give(donor.page, `${site.url}/appeals/${appeals[0].slug}/donate`, {
    amount: "50", name: "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaft Schaferswessen",
    email: "wolf@example.org", message: "Stay strong.",
  });
  await donor.page.waitForSelector('a[href^="/receipts/"]', { timeout: 20_000 });
  thanks = new URL(donor.page.url()).pathname + new URL(donor.page.url()).search;
  receipt = await donor.page.getAttribute('a[href^="/receipts/"]', "href");
  await donor.close();
});
after(async () => {
  await chrome?.close();
  await site?.stop();
});

const readers = {
  "phone, light": { viewport: phone },
  "desktop, dark": { viewport: desktop, colorScheme: "dark" },
  "phone, Arabic": { viewport: phone, locale: "ar" },
  "desktop, French, larger letters": { viewport: { width: 640, height: 450 }, locale: "fr-FR", deviceScaleFactor: 2 },
  "desktop, Spanish, forced colours": { viewport: desktop, locale: "es-ES", forcedColors: "active" },
};
for (const [reader, options] of Object.entries(readers)) {
  test(`every public page: ${reader}`, async () => {
    const visitor = await chrome.visit(options);
    const opened = await crawl(visitor, site, ["/", thanks, receipt], { label: reader });
    assert.ok(opened.length >= 8, `only ${opened.length} pages are linked: ${opened}`);
    await visitor.close();
  });
}

test("every public page without script", async () => {
  const visitor = await chrome.visit({ viewport: phone, javaScriptEnabled: false });
  await crawl(visitor, site, ["/", thanks, receipt], { label: "no script", axe: false });
  await visitor.close();
});

test("pages that say what is wrong", async () => {
  const visitor = await chrome.visit({ viewport: phone });
  for (const [path, status] of Object.entries({ "/nothing": 404, "/f/nobody": 404, "/receipts/X-2026-000001/wrong": 404 })) {
    const answer = await visitor.page.goto(site.url + path);
    assert.equal(answer.status(), status, path);
    assert.deepEqual(await findings(visitor.page), []);
    assert.equal(await sideways(visitor.page), 0);
    await shoot(visitor.page, `problem${path}`);
  }
  assert.deepEqual(visitor.complaints, []);
  await visitor.close();
});

test("the language chosen is kept, and the page turns round for Arabic", async () => {
  const visitor = await chrome.visit({ viewport: desktop, locale: "en-GB" });
  await visitor.page.goto(site.url + "/");
  await visitor.page.click('a[hreflang="ar"]');
  assert.equal(await visitor.page.getAttribute("html", "dir"), "rtl");
  await visitor.page.goto(site.url + "/");
  assert.equal(await visitor.page.getAttribute("html", "lang"), "ar");
  assert.deepEqual(visitor.complaints, []);
  await visitor.close();
});
