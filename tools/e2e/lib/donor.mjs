// What a donor does: fill in the form, pay on the checkout page, come back.
export const cards = { good: "4242 4242 4242 4242", other: "5555 5555 5555 4444", declined: "4000 0000 0000 0002" };

export async function fillForm(page, { amount, name, email, message = "" }) {
  // The own amount wins over a suggested one that was chosen.
  await page.fill("#amount", amount);
  await page.fill("#name", name);
  await page.fill("#email", email);
  if (message) await page.fill('textarea[name="message"]', message);
}

/** On the checkout page. */
export async function fillCard(page, number = cards.good) {
  await page.fill("#card_number", number);
  await page.fill("#exp", "12/34");
  await page.fill("#cvc", "123");
  if (!(await page.inputValue("#name"))) await page.fill("#name", "As on the card");
}

export async function pay(page, number) {
  await fillCard(page, number);
  await page.click('form[action^="/c/pay/"] button[type="submit"]');
}

export async function give(page, address, gift) {
  await page.goto(address);
  await fillForm(page, gift);
  await page.click("main form button[type=submit]");
  await pay(page, gift.card);
  await page.waitForURL(/\/donations\/.*\/thanks/);
}
