// What a key is worth, as a client in Node finds it.
import assert from "node:assert/strict";
import { client, control, gift, refused } from "./simulator.mjs";

const stripe = client();
const create = (amount, key) => stripe.checkout.sessions.create(gift(amount), { idempotencyKey: key });

export const checks = [
  ["the same request is answered with the same session", async () => {
    const first = await create(10_000, "k:same");
    const again = await create(10_000, "k:same");
    assert.equal(again.id, first.id);
    assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
    assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
  }],
  ["another amount under the key is refused", async () => {
    const error = await refused(create(20_000, "k:same"));
    assert.equal(error.statusCode, 400);
    assert.equal(error.rawType, "idempotency_error");
  }],
  ["what failed its checks may be corrected under the same key", async () => {
    assert.equal((await refused(create(1, "k:checked"))).code, "amount_too_small");
    assert.equal((await create(10_000, "k:checked")).status, "open");
  }],
  ["a 500 is kept", async () => {
    await control("/_sim/knobs", { "500_before_commit": 1 });
    assert.equal((await refused(create(10_000, "k:broken"))).statusCode, 500);
    const again = await refused(create(10_000, "k:broken"));
    assert.equal(again.statusCode, 500);
    assert.equal(again.headers["idempotent-replayed"], "true");
  }],
  ["a refusal before execution is not", async () => {
    await control("/_sim/knobs", { 429: 1 });
    assert.equal((await refused(create(10_000, "k:fast"))).statusCode, 429);
    assert.equal((await create(10_000, "k:fast")).status, "open");
  }],
  ["the wrong state is kept like an answer", async () => {
    const session = await create(10_000, "k:state");
    await stripe.checkout.sessions.expire(session.id);
    await refused(stripe.checkout.sessions.expire(session.id, { idempotencyKey: "k:expire" }));
    const again = await refused(stripe.checkout.sessions.expire(session.id, { idempotencyKey: "k:expire" }));
    assert.equal(again.headers["idempotent-replayed"], "true");
  }],
  ["of many at once, one is executed", async () => {
    await control("/_sim/knobs", { latency: { ms: 100, count: 8 } });
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => create(10_000, "k:many")));
    const ids = new Set(answers.filter((a) => a.status === "fulfilled").map((a) => a.value.id));
    assert.equal(ids.size, 1);
    for (const { reason } of answers.filter((a) => a.status === "rejected")) {
      assert.equal(reason.statusCode, 409);
      assert.equal(reason.code, "idempotency_key_in_use");
    }
  }],
  ["after a day the key is free again", async () => {
    const before = await create(10_000, "k:day");
    await control("/_sim/clock", { advance_seconds: 86_401 });
    assert.notEqual((await create(10_000, "k:day")).id, before.id);
  }],
];
