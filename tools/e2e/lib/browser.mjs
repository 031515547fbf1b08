// A real browser that complains: a page that breaks its own security policy, throws,
// asks for something that is not there, or fails at axe, fails the test.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
const artifacts = process.env.E2E_ARTIFACTS ?? fileURLToPath(new URL("../artifacts/", import.meta.url));

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 900 };

export async function launch() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
  return { browser, visit: (options) => visit(browser, options), close: () => browser.close() };
}

/** One person with a browser of their own. */
async function visit(browser, { viewport = desktop, colorScheme = "light", locale = "en-GB", javaScriptEnabled = true, ...rest } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, locale, javaScriptEnabled, reducedMotion: "reduce", ...rest });
  // Two of these share the machine; what hangs is noticed all the same.
  context.setDefaultTimeout(60_000);
  const complaints = [];
  context.on("console", (message) => {
    // A page that answers 404 or 422 on purpose says so in the console as well.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) complaints.push(`console: ${message.text()}`);
  });
  context.on("weberror", (error) => complaints.push(`script: ${error.error().message}`));
  context.on("response", (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`);
  });
  const page = await context.newPage();
  return { context, page, complaints, close: () => context.close() };
}

/** What axe finds on the page, in words; nothing when all is well. */
export async function findings(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    // All is checked all the same; what is well is not described, element by element.
    resultTypes: ["violations"],
  }));
  return result.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id}: ${node.target.join(" ")}: ${(node.failureSummary ?? rule.help).split("\n").slice(1, 3).join(" ").trim()}`));
}

/** Nothing may stick out of the page to the side. */
export async function sideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Keeps a screenshot with the run, not in the repository. */
export async function shoot(page, name) {
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: path.join(artifacts, name.replaceAll(/[^\w.-]+/g, "_") + ".png"), fullPage: true });
}
