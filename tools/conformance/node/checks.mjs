// Runs one file of checks and writes a line of JSON for each: the Go test that
// started it makes a subtest of every line. Checks run in order, and one that fails
// ends the run, because those behind it build on it.
import { pathToFileURL } from "node:url";
import path from "node:path";
import Stripe from "stripe";

const say = (line) => console.log(JSON.stringify(line));

const { checks } = await import(pathToFileURL(path.resolve(process.argv[2])));
say({ version: Stripe.PACKAGE_VERSION, planned: checks.map(([name]) => name) });
for (const [name, check] of checks) {
  try {
    await check();
    say({ name });
  } catch (error) {
    say({ name, fault: error.stack ?? String(error) });
    break;
  }
}
