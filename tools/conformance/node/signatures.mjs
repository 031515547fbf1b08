// Signatures as stripe-node checks them. The delivery comes from the test.
import assert from "node:assert/strict";
import Stripe from "stripe";
import { client, refused } from "./simulator.mjs";

const { webhooks } = client();
const { body, signature, secret } = JSON.parse(process.env.DELIVERY);
const construct = async (...args) => webhooks.constructEvent(...args);
const invalid = async (...args) => assert((await refused(construct(...args))) instanceof Stripe.errors.StripeSignatureVerificationError);

export const checks = [
  ["the simulator's signature is good", async () => {
    const event = await construct(body, signature, secret);
    assert.equal(event.object, "event");
  }],
  ["a changed body is refused", () => invalid(body.replace('"livemode":false', '"livemode":true '), signature, secret)],
  ["another secret is refused", () => invalid(body, signature, "whsec_other")],
  ["an old signature is refused", () => {
    const old = webhooks.generateTestHeaderString({ payload: body, secret, timestamp: Math.floor(Date.now() / 1000) - 301 });
    return invalid(body, old, secret);
  }],
  ["a header without a signature is refused", () => invalid(body, "t=1,v0=abc", secret)],
  ["the library signs as the simulator does", () => {
    const at = Number(/t=(\d+)/.exec(signature)[1]);
    const header = webhooks.generateTestHeaderString({ payload: body, secret, timestamp: at });
    assert(signature.includes(/v1=[0-9a-f]+/.exec(header)[0]));
  }],
];
