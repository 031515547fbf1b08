// Starts the program as anybody would, on free ports and in an empty folder, and
// stops it. Mail that it would send lies in that folder, and is read there.
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const program = process.env.ALMONER ?? path.join(root, "bin", "almoner");

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => server.on("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until something is so, looking often and for a bounded time. */
export async function eventually(what, check, within = 60_000) {
  const end = Date.now() + within;
  let last;
  while (Date.now() < end) {
    try {
      const found = await check();
      if (found) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${within} ms: ${what}`, { cause: last });
}

export async function startInstance(environment = {}) {
  const data = await mkdtemp(path.join(os.tmpdir(), "almoner-e2e-"));
  const [http, stripe] = [await freePort(), await freePort()];
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ALMONER_DATA_DIR: data,
    ALMONER_HTTP_ADDR: `127.0.0.1:${http}`,
    ALMONER_STRIPESIM_ADDR: `127.0.0.1:${stripe}`,
    ...environment,
  };
  const log = [];
  const child = spawn(program, ["run"], { env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.stderr.setEncoding("utf8").on("data", (text) => log.push(text));
  const url = `http://127.0.0.1:${http}`;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  try {
    await eventually("the program is ready", async () => {
      if (child.exitCode !== null) throw new Error(log.join(""));
      return (await fetch(url + "/readyz")).ok;
    }, 120_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    stripe: `http://127.0.0.1:${stripe}`,
    data,
    log: () => log.join(""),
    stop,
    run: (...args) => command(args, env),
    mails: (recipient, subject) => mails(data, recipient, subject),
  };
}

/** Runs another command of the program on the same data. */
function command(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text) => { out += text; });
    child.stderr.setEncoding("utf8").on("data", (text) => { err += text; });
    child.on("error", reject).on("exit", (code) => resolve({ code, out, err }));
  });
}

/** The mails to an address, newest last, as { subject, text, raw }. */
async function mails(data, recipient, subject = "") {
  const folder = path.join(data, "mail");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".eml")).sort();
  const found = [];
  for (const name of names) {
    const raw = await readFile(path.join(folder, name), "utf8");
    const head = raw.slice(0, raw.search(/\r?\n\r?\n/));
    const mail = { raw, subject: header(head, "Subject"), to: header(head, "To"), text: decoded(raw) };
    if (mail.to.includes(recipient) && mail.subject.includes(subject)) found.push(mail);
  }
  return found;
}

function header(head, name) {
  const unfolded = head.replace(/\r?\n[ \t]+/g, " ");
  return new RegExp(`^${name}:\\s*(.*)$`, "mi").exec(unfolded)?.[1] ?? "";
}

// Enough of quoted-printable for a link to be whole again.
function decoded(raw) {
  return raw.replace(/=\r?\n/g, "").replace(/=3D/g, "=");
}
