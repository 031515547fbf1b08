// What the checks need to use the simulator: a client, a donor, and the knobs.
import Stripe from "stripe";

const address = new URL(process.env.STRIPE_URL);

/** A client of Stripe's own library that speaks to the simulator. */
export function client(options = {}) {
  return new Stripe(options.key ?? "sk_test_conformance", {
    host: address.hostname, port: address.port, protocol: "http", maxNetworkRetries: 0, telemetry: false, ...options.config,
  });
}

/** Uses the surface that no Stripe has. */
export async function control(where, document) {
  const answer = await fetch(new URL(where, address), {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(document),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${where}: ${body.error}`);
  return body;
}

/** Sends a form of a hosted page, and answers status and where it leads. */
export async function submit(where, fields) {
  const answer = await fetch(new URL(where, address), { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  return { status: answer.status, location: answer.headers.get("location"), text: await answer.text() };
}

/** Pays on the hosted checkout page. */
export function pay(session, number) {
  return submit(new URL(session.url).pathname, {
    email: "amina@example.org", card_number: number, exp: "12/34", cvc: "123", name: "Amina Yusuf", country: "DE", postal_code: "20457",
  });
}

export const gift = (amount = 10_000) => ({
  mode: "payment", submit_type: "donate", customer_email: "amina@example.org",
  success_url: "https://give.example.org/thanks?s={CHECKOUT_SESSION_ID}", cancel_url: "https://give.example.org/cancelled",
  line_items: [{ quantity: 1, price_data: { currency: "eur", unit_amount: amount, product_data: { name: "Winter relief" } } }],
  metadata: { donation_id: "don_1" }, payment_intent_data: { metadata: { donation_id: "don_1" } },
});

/** The error that a promise is refused with; that it is not refused is one, too. */
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}
