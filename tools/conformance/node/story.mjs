// One story told through stripe-node: what a program in another language would do.
import assert from "node:assert/strict";
import Stripe from "stripe";
import { client, control, gift, pay, refused } from "./simulator.mjs";

const stripe = client();
const { errors } = Stripe;
let session;
let intent;

export const checks = [
  ["a session is created and waits for its donor", async () => {
    session = await stripe.checkout.sessions.create(gift());
    assert.equal(session.status, "open");
    assert.equal(session.payment_intent, null);
    assert.equal(session.metadata.donation_id, "don_1");
    assert.equal(session.lastResponse.apiVersion, "2023-10-16");
  }],
  ["a declined card leaves it open", async () => {
    const answer = await pay(session, "4000000000009995");
    assert.equal(answer.status, 402);
    const now = await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent.latest_charge"] });
    assert.equal(now.status, "open");
    assert.equal(now.payment_intent.last_payment_error.decline_code, "insufficient_funds");
    assert.equal(now.payment_intent.latest_charge.outcome.type, "issuer_declined");
  }],
  ["another card pays it", async () => {
    const answer = await pay(session, "4242424242424242");
    assert.equal(answer.status, 303);
    assert.equal(answer.location, `https://give.example.org/thanks?s=${session.id}`);
    session = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ["payment_intent.latest_charge.balance_transaction", "line_items"],
    });
    intent = session.payment_intent;
    assert.equal(session.payment_status, "paid");
    assert.equal(session.line_items.data[0].description, "Winter relief");
    assert.equal(intent.metadata.donation_id, "don_1");
    const { amount, fee, net } = intent.latest_charge.balance_transaction;
    assert.equal(amount - fee, net);
  }],
  ["its line items are a list of their own", async () => {
    const items = await stripe.checkout.sessions.listLineItems(session.id);
    assert.equal(items.data[0].amount_total, 10_000);
  }],
  ["payment intent, charge and transaction are found by each other", async () => {
    const charges = await stripe.charges.list({ payment_intent: intent.id });
    assert.deepEqual(charges.data.map((c) => c.status), ["succeeded", "failed"]);
    const [row] = (await stripe.balanceTransactions.list({ source: charges.data[0].id, expand: ["data.source"] })).data;
    assert.equal(row.source.id, charges.data[0].id);
    assert.equal((await stripe.balanceTransactions.retrieve(row.id)).net, row.net);
    assert.equal((await stripe.paymentIntents.retrieve(intent.id)).latest_charge, charges.data[0].id);
  }],
  ["the balance holds what was taken", async () => {
    const balance = await stripe.balance.retrieve();
    const held = [...balance.available, ...balance.pending].filter((b) => b.currency === "eur").reduce((sum, b) => sum + b.amount, 0);
    assert.equal(held, intent.latest_charge.balance_transaction.net);
  }],
  ["the events tell it in order", async () => {
    const events = await stripe.events.list({ limit: 100 });
    const types = events.data.map((e) => e.type).reverse();
    assert.deepEqual(types, [
      "payment_intent.created", "charge.failed", "payment_intent.payment_failed", "charge.succeeded", "payment_intent.succeeded",
      "checkout.session.completed",
    ]);
    assert.equal((await stripe.events.retrieve(events.data[0].id)).data.object.id, session.id);
  }],
  ["a part is refunded, then the rest, and no more", async () => {
    const part = await stripe.refunds.create({ payment_intent: intent.id, amount: 2_500, reason: "requested_by_customer" });
    assert.equal(part.status, "succeeded");
    assert.equal((await stripe.refunds.retrieve(part.id, { expand: ["charge"] })).charge.amount_refunded, 2_500);
    const error = await refused(stripe.refunds.create({ payment_intent: intent.id, amount: 9_000 }));
    assert(error instanceof errors.StripeInvalidRequestError);
    assert.equal(error.param, "amount");
    assert.match(error.message, /is greater than unrefunded amount on charge/);
    await stripe.refunds.create({ payment_intent: intent.id });
    assert.equal((await refused(stripe.refunds.create({ payment_intent: intent.id }))).code, "charge_already_refunded");
    const rows = await stripe.refunds.list({ payment_intent: intent.id });
    assert.deepEqual(rows.data.map((r) => r.amount), [7_500, 2_500]);
  }],
  ["a refund that fails later says why", async () => {
    const other = await stripe.checkout.sessions.create(gift());
    await pay(other, "4000000000005126");
    const { payment_intent } = await stripe.checkout.sessions.retrieve(other.id);
    const refund = await stripe.refunds.create({ payment_intent });
    assert.equal(refund.status, "succeeded");
    await control("/_sim/clock", { advance_seconds: 60 });
    const now = await stripe.refunds.retrieve(refund.id);
    assert.equal(now.status, "failed");
    assert.equal(now.failure_reason, "expired_or_canceled_card");
  }],
  ["a session is expired, and not twice", async () => {
    const left = await stripe.checkout.sessions.create(gift());
    assert.equal((await stripe.checkout.sessions.expire(left.id)).status, "expired");
    const error = await refused(stripe.checkout.sessions.expire(left.id));
    assert(error instanceof errors.StripeInvalidRequestError);
    assert.match(error.message, /Only Checkout Sessions with a status in \["open"\] can be expired/);
  }],
  ["an endpoint is made, changed and deleted", async () => {
    const made = await stripe.webhookEndpoints.create({
      url: "https://give.example.org/webhooks/stripe", enabled_events: ["payment_intent.succeeded"], api_version: "2023-10-16",
    });
    assert.match(made.secret, /^whsec_/);
    const changed = await stripe.webhookEndpoints.update(made.id, { enabled_events: ["charge.updated"], disabled: true });
    assert.equal(changed.status, "disabled");
    assert.equal(changed.secret, undefined);
    assert.equal((await stripe.webhookEndpoints.del(made.id)).deleted, true);
    assert.equal((await refused(stripe.webhookEndpoints.retrieve(made.id))).statusCode, 404);
  }],
  ["an unknown parameter is a StripeInvalidRequestError", async () => {
    const error = await refused(stripe.checkout.sessions.create({ ...gift(), almoner: 1 }));
    assert(error instanceof errors.StripeInvalidRequestError);
    assert.equal(error.code, "parameter_unknown");
    assert.equal(error.param, "almoner");
  }],
  ["a key used for two things is a StripeIdempotencyError", async () => {
    await stripe.checkout.sessions.create(gift(), { idempotencyKey: "cs:node:1" });
    const error = await refused(stripe.checkout.sessions.create(gift(2_000), { idempotencyKey: "cs:node:1" }));
    assert(error instanceof errors.StripeIdempotencyError, error.type);
  }],
  ["a wrong key is a StripeAuthenticationError", async () => {
    const error = await refused(client({ key: "sk_nobody" }).balance.retrieve());
    assert(error instanceof errors.StripeAuthenticationError, error.type);
  }],
  ["another account is a StripePermissionError", async () => {
    const error = await refused(stripe.balance.retrieve({ stripeAccount: "acct_other" }));
    assert(error instanceof errors.StripePermissionError, error.type);
  }],
  ["too many requests are a StripeRateLimitError", async () => {
    await control("/_sim/knobs", { 429: 1 });
    const error = await refused(stripe.balance.retrieve());
    assert(error instanceof errors.StripeRateLimitError, error.type);
  }],
  ["a fault of the server is a StripeAPIError", async () => {
    await control("/_sim/knobs", { "500_before_commit": 1 });
    const error = await refused(stripe.checkout.sessions.create(gift()));
    assert(error instanceof errors.StripeAPIError, error.type);
  }],
];
