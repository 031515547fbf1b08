// One story told through stripe-node: what a program in another language would do.
import assert from "node:assert/strict";
import Stripe from "stripe";
import { client, control, gift, pay, refused, submit } from "./simulator.mjs";

const stripe = client();
const { errors } = Stripe;
let session;
let intent;
let share;

/** A share of 20.00 EUR a month, of a new customer, paid by card. */
async function membership() {
  const customer = await stripe.customers.create({ email: "amina@example.org" });
  const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  const price = await stripe.prices.create({
    product_data: { name: "Winter share" }, currency: "eur", unit_amount: 2_000, recurring: { interval: "month" },
  });
  return stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }], default_payment_method: card.id });
}

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
  ["a dispute is opened, answered and won", async () => {
    const other = await stripe.checkout.sessions.create(gift());
    await pay(other, "4000000000000259");
    await control("/_sim/clock", { advance_seconds: 60 });
    const { payment_intent } = await stripe.checkout.sessions.retrieve(other.id);
    const [opened] = (await stripe.disputes.list({ payment_intent })).data;
    assert.equal(opened.status, "needs_response");
    assert.equal(opened.balance_transactions[0].reporting_category, "dispute");
    const error = await refused(stripe.refunds.create({ payment_intent }));
    assert.equal(error.code, "charge_disputed");
    await stripe.disputes.update(opened.id, { evidence: { uncategorized_text: "winning_evidence" }, submit: true });
    await control("/_sim/clock", { advance_seconds: 60 });
    const won = await stripe.disputes.retrieve(opened.id);
    assert.equal(won.status, "won");
    assert.equal(won.balance_transactions.length, 2);
  }],
  ["a plan is renewed by the clock", async () => {
    const monthly = await stripe.checkout.sessions.create({
      mode: "subscription", success_url: "https://give.example.org/thanks",
      line_items: [{ quantity: 1, price_data: {
        currency: "eur", unit_amount: 2_000, recurring: { interval: "month" }, product_data: { name: "Monthly gift" },
      } }],
      subscription_data: { metadata: { plan_id: "plan_1" } },
    });
    assert.equal((await pay(monthly, "4242424242424242")).status, 303);
    const { subscription } = await stripe.checkout.sessions.retrieve(monthly.id);
    await control("/_sim/clock", { advance_seconds: 32 * 86_400 });
    const invoices = await stripe.invoices.list({ subscription });
    assert.deepEqual(invoices.data.map((i) => [i.billing_reason, i.status, i.amount_paid]), [
      ["subscription_cycle", "paid", 2_000], ["subscription_create", "paid", 2_000],
    ]);
    assert.equal(invoices.data[0].subscription_details.metadata.plan_id, "plan_1");
    assert.equal((await stripe.subscriptions.update(subscription, { cancel_at_period_end: true })).cancel_at_period_end, true);
    assert.equal((await stripe.subscriptions.cancel(subscription)).status, "canceled");
  }],
  ["an invoice that the card does not pay is a StripeCardError", async () => {
    const customer = await stripe.customers.create({ email: "amina@example.org" });
    const card = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer: customer.id });
    const product = await stripe.products.create({ name: "Monthly gift" });
    const price = await stripe.prices.create({ product: product.id, currency: "eur", unit_amount: 2_000, recurring: { interval: "month" } });
    const error = await refused(stripe.subscriptions.create({
      customer: customer.id, items: [{ price: price.id }], default_payment_method: card.id, payment_behavior: "error_if_incomplete",
    }));
    assert(error instanceof errors.StripeCardError, error.type);
    assert.equal(error.code, "card_declined");
  }],
  ["a payment without a page is made and confirmed", async () => {
    const begun = await stripe.paymentIntents.create({ amount: 2_500, currency: "eur", metadata: { case: "7" } });
    assert.equal(begun.status, "requires_payment_method");
    const paid = await stripe.paymentIntents.confirm(begun.id, { payment_method: "pm_card_visa", expand: ["latest_charge"] });
    assert.equal(paid.status, "succeeded");
    assert.equal(paid.amount_received, 2_500);
    assert.equal(paid.latest_charge.metadata.case, "7");
    const error = await refused(stripe.paymentIntents.cancel(begun.id));
    assert(error instanceof errors.StripeInvalidRequestError, error.type);
    assert.equal(error.code, "payment_intent_unexpected_state");
  }],
  ["one that the bank declines is a StripeCardError, and takes another card", async () => {
    const begun = await stripe.paymentIntents.create({ amount: 2_500, currency: "eur" });
    const error = await refused(stripe.paymentIntents.confirm(begun.id, { payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" }));
    assert(error instanceof errors.StripeCardError, error.type);
    assert.equal(error.statusCode, 402);
    assert.equal(error.decline_code, "insufficient_funds");
    assert.equal((await stripe.paymentIntents.retrieve(begun.id)).last_payment_error.decline_code, "insufficient_funds");
    assert.equal((await stripe.paymentIntents.confirm(begun.id, { payment_method: "pm_card_mastercard" })).status, "succeeded");
  }],
  ["3-D Secure leads away and back", async () => {
    const make = () => stripe.paymentIntents.create({
      amount: 2_500, currency: "eur", confirm: true, payment_method: "pm_card_threeDSecure2Required", return_url: "https://give.example.org/back",
    });
    const asked = await make();
    assert.equal(asked.status, "requires_action");
    assert.equal(asked.next_action.type, "redirect_to_url");
    const back = await submit(new URL(asked.next_action.redirect_to_url.url).pathname, { result: "complete" });
    assert.equal(back.location, "https://give.example.org/back");
    assert.equal((await stripe.paymentIntents.retrieve(asked.id)).status, "succeeded");
    const failed = await make();
    await submit(new URL(failed.next_action.redirect_to_url.url).pathname, { result: "fail" });
    const now = await stripe.paymentIntents.retrieve(failed.id);
    assert.equal(now.status, "requires_payment_method");
    assert.equal(now.last_payment_error.code, "payment_intent_authentication_failure");
    const away = await refused(stripe.paymentIntents.create({
      amount: 2_500, currency: "eur", confirm: true, off_session: true, payment_method: "pm_card_authenticationRequired",
    }));
    assert(away instanceof errors.StripeCardError, away.type);
    assert.equal(away.code, "authentication_required");
  }],
  ["a payment is canceled, and cannot be made any more", async () => {
    const begun = await stripe.paymentIntents.create({ amount: 2_500, currency: "eur", payment_method: "pm_card_visa" });
    const canceled = await stripe.paymentIntents.cancel(begun.id, { cancellation_reason: "abandoned" });
    assert.equal(canceled.status, "canceled");
    assert.equal(canceled.cancellation_reason, "abandoned");
    assert.equal((await refused(stripe.paymentIntents.confirm(begun.id))).code, "payment_intent_unexpected_state");
    assert(!(await stripe.paymentIntents.list({ limit: 100 })).data.some((p) => p.id === begun.id && p.status !== "canceled"));
  }],
  ["a plan that is raised costs what the preview says", async () => {
    share = await membership();
    await control("/_sim/clock", { advance_seconds: 10 * 86_400 });
    const at = (await stripe.invoices.retrieve(share.latest_invoice)).created + 10 * 86_400;
    const said = await stripe.invoices.retrieveUpcoming({
      subscription: share.id, subscription_items: [{ id: share.items.data[0].id, quantity: 3 }],
      subscription_proration_behavior: "always_invoice", subscription_proration_date: at,
    });
    assert.equal(said.billing_reason, "upcoming");
    assert.deepEqual(said.lines.data.map((line) => line.proration), [true, true]);
    const raised = await stripe.subscriptions.update(share.id, {
      items: [{ id: share.items.data[0].id, quantity: 3 }], proration_behavior: "always_invoice", proration_date: at,
      expand: ["latest_invoice.charge"],
    });
    const invoice = raised.latest_invoice;
    assert.equal(invoice.billing_reason, "subscription_update");
    assert.equal(invoice.status, "paid");
    assert.equal(invoice.total, said.total);
    assert.equal(invoice.charge.amount, said.amount_due);
    assert.deepEqual(invoice.lines.data.map((line) => [line.amount, line.description]), said.lines.data.map((line) => [line.amount, line.description]));
  }],
  ["one that is lowered leaves credit, which the next invoice uses", async () => {
    const lowered = await stripe.subscriptions.update(share.id, {
      items: [{ id: share.items.data[0].id, quantity: 1 }], proration_behavior: "always_invoice", expand: ["latest_invoice"],
    });
    assert(lowered.latest_invoice.total < 0);
    assert.equal(lowered.latest_invoice.amount_paid, 0);
    const { balance } = await stripe.customers.retrieve(share.customer);
    assert.equal(balance, lowered.latest_invoice.total);
    await control("/_sim/clock", { advance_seconds: 32 * 86_400 });
    const [renewed] = (await stripe.invoices.list({ subscription: share.id })).data;
    assert.equal(renewed.starting_balance, balance);
    assert.equal(renewed.total + renewed.starting_balance - renewed.ending_balance, renewed.amount_due);
    const entries = await stripe.customers.listBalanceTransactions(share.customer);
    assert.equal(entries.data.reduce((sum, entry) => sum + entry.amount, 0), (await stripe.customers.retrieve(share.customer)).balance);
  }],
  ["what waits is on the next invoice, or goes with the plan", async () => {
    const other = await membership();
    const items = [{ id: other.items.data[0].id, quantity: 2 }];
    await stripe.subscriptions.update(other.id, { items });
    const waiting = await stripe.invoiceItems.list({ customer: other.customer, pending: true });
    assert.deepEqual(waiting.data.map((item) => [item.proration, item.invoice]), [[true, null], [true, null]]);
    assert.equal((await stripe.invoiceItems.retrieve(waiting.data[0].id)).subscription, other.id);
    await stripe.subscriptions.cancel(other.id);
    assert.equal((await stripe.invoiceItems.list({ customer: other.customer })).data.length, 0);
    assert.equal((await refused(stripe.invoices.retrieveUpcoming({ customer: other.customer }))).code, "invoice_upcoming_none");
  }],
  ["a raise that the card does not pay is a StripeCardError and changes nothing", async () => {
    const other = await membership();
    const card = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer: other.customer });
    await stripe.subscriptions.update(other.id, { default_payment_method: card.id });
    const error = await refused(stripe.subscriptions.update(other.id, {
      items: [{ id: other.items.data[0].id, quantity: 5 }], proration_behavior: "always_invoice", payment_behavior: "error_if_incomplete",
    }));
    assert(error instanceof errors.StripeCardError, error.type);
    const now = await stripe.subscriptions.retrieve(other.id);
    assert.equal(now.items.data[0].quantity, 1);
    assert.equal(now.latest_invoice, other.latest_invoice);
  }],
  ["a payout is made, paid and can be explained", async () => {
    const { payouts } = await control("/_sim/payout", { currency: "eur", include_pending: true });
    await control("/_sim/clock", { advance_seconds: 7 * 86_400 });
    const payout = await stripe.payouts.retrieve(payouts[0].id);
    assert.equal(payout.status, "paid");
    assert.equal(payout.reconciliation_status, "completed");
    const rows = await stripe.balanceTransactions.list({ payout: payout.id, limit: 100 }).autoPagingToArray({ limit: 1_000 });
    const inside = rows.filter((row) => row.source !== payout.id);
    assert.equal(inside.reduce((sum, row) => sum + row.net, 0), payout.amount);
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
