// Signs in as people do: by the link in the mail.
import { eventually } from "./instance.mjs";

export async function mailedLink(site, email, already = 0) {
  const mail = await eventually(`a sign-in mail to ${email}`, async () => {
    const found = (await site.mails(email)).filter((letter) => /\/sign-in\/\S+/.test(letter.text));
    return found.length > already ? found.at(-1) : null;
  });
  return /https?:\/\/\S+\/sign-in\/[\w-]+/.exec(mail.text)[0];
}

export async function signIn(site, page, email, start = "/sign-in") {
  const before = (await site.mails(email)).filter((letter) => /\/sign-in\/\S+/.test(letter.text)).length;
  await page.goto(site.url + start);
  await page.fill('input[name="email"]', email);
  await page.click("main form button[type=submit]");
  await page.goto(await mailedLink(site, email, before));
  await page.click("main form button[type=submit]");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
}
