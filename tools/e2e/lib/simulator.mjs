// Stripe's side of a story: the simulator's controls, and what it knows.
import assert from "node:assert/strict";

/** Presses one of the simulator's buttons. */
export async function control(site, path, asked = {}) {
  const answer = await fetch(`${site.stripe}/_sim/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${text}`);
  return JSON.parse(text);
}

/** Everything that the account knows about money. */
export async function truth(site) {
  return (await fetch(site.stripe + "/_sim/truth")).json();
}

/** Lets the time come, in unix seconds, and all that falls due on the way. */
export async function until(site, second) {
  return control(site, "clock", { set: second });
}
