// Long lists as stripe-node reads them, to the end.
import assert from "node:assert/strict";
import { client } from "./simulator.mjs";

const stripe = client();
const expected = JSON.parse(process.env.ROWS);
const lists = {
  "/v1/balance_transactions": stripe.balanceTransactions,
  "/v1/charges": stripe.charges,
  "/v1/checkout/sessions": stripe.checkout.sessions,
  "/v1/events": stripe.events,
  "/v1/payment_intents": stripe.paymentIntents,
};

export const checks = Object.keys(expected).map((path) => [path, async () => {
  assert(lists[path], `there is no client for ${path} here`);
  const rows = await lists[path].list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  assert.deepEqual(rows.map((row) => row.id), expected[path]);
}]);
