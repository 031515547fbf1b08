import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, launch, phone } from "../lib/browser.mjs";
import { crawl } from "../lib/crawl.mjs";
import { startInstance } from "../lib/instance.mjs";
import { signIn } from "../lib/sign-in.mjs";

let site, chrome, signedIn;
before(async () => {
  site = await startInstance();
  chrome = await launch();
  const admin = await chrome.visit();
  await signIn(site, admin.page, "admin@example.org", "/sign-in?next=/staff/");
  signedIn = await admin.context.storageState();
  await admin.close();
});
after(async () => {
  await chrome?.close();
  await site?.stop();
});

for (const [reader, options] of Object.entries({
  "admin on a desktop": { viewport: desktop },
  "admin on a phone, dark, French": { viewport: phone, colorScheme: "dark", locale: "fr-FR" },
  "admin in Arabic": { viewport: phone, locale: "ar" },
})) {
  test(`every page of the staff's desk: ${reader}`, async () => {
    const admin = await chrome.visit({ ...options, storageState: signedIn });
    const opened = await crawl(admin, site, ["/staff/", "/staff/people"], { label: reader });
    assert.ok(opened.filter((path) => path.startsWith("/staff/")).length >= 7, `only ${opened}`);
    await admin.close();
  });
}
