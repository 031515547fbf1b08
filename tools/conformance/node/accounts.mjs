// Several accounts behind one key, as stripe-node acts for them.
import assert from "node:assert/strict";
import Stripe from "stripe";
import { client, gift, pay, refused } from "./simulator.mjs";

const stripe = client();
let platform;
let account;
let session;

export const checks = [
  ["an account is connected and shown", async () => {
    platform = await stripe.accounts.retrieve();
    account = await stripe.accounts.create({ type: "standard", country: "AT", business_profile: { name: "Society of Austria" } });
    assert.equal((await stripe.accounts.retrieve(account.id)).business_profile.name, "Society of Austria");
    assert.deepEqual((await stripe.accounts.list()).data.map((a) => a.id), [account.id]);
  }],
  ["it is acted for", async () => {
    const own = await stripe.accounts.retrieve({ stripeAccount: account.id });
    assert.equal(own.id, account.id);
    assert.equal(own.default_currency, "eur");
    session = await stripe.checkout.sessions.create(gift(), { stripeAccount: account.id });
    assert.equal((await pay(session, "4242424242424242")).status, 303);
    session = await stripe.checkout.sessions.retrieve(session.id, {}, { stripeAccount: account.id });
    assert.equal(session.payment_status, "paid");
  }],
  ["nobody else has what it has", async () => {
    const error = await refused(stripe.checkout.sessions.retrieve(session.id));
    assert(error instanceof Stripe.errors.StripeInvalidRequestError);
    assert.equal(error.code, "resource_missing");
    assert.equal((await stripe.charges.list()).data.length, 0);
    assert.equal((await stripe.charges.list({}, { stripeAccount: account.id })).data.length, 1);
    assert.equal((await stripe.accounts.retrieve({ stripeAccount: platform.id })).id, platform.id);
  }],
  ["a key in one account is free in another", async () => {
    const idempotencyKey = "don_1";
    const one = await stripe.customers.create({ name: "Amina Yusuf" }, { idempotencyKey });
    const other = await stripe.customers.create({ name: "Jun Ito" }, { idempotencyKey, stripeAccount: account.id });
    assert.notEqual(one.id, other.id);
  }],
  ["an account of others is refused", async () => {
    const error = await refused(stripe.balance.retrieve({}, { stripeAccount: "acct_1nobody" }));
    assert(error instanceof Stripe.errors.StripePermissionError);
    assert.equal(error.code, "account_invalid");
    assert((await stripe.accounts.del(account.id)).deleted);
    assert.equal((await refused(stripe.balance.retrieve({}, { stripeAccount: account.id }))).code, "account_invalid");
  }],
];
