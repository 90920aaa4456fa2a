/** A real server for the tests, as a process on a folder of its own, and a line to it that can be cut. */

import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const HOST = "127.0.0.1";
const START_MS = 30_000;

/** The Python that can run the server; null where there is none. */
export function findPython(): string | null {
  const given = [process.env["PARLEY_PYTHON"], join(ROOT, ".venv/bin/python")];
  const found = given.find((path) => path !== undefined && existsSync(path));
  if (found === undefined) return null;
  try {
    execFileSync(found, ["-c", "import aiohttp, socketio, sqlmodel"], { cwd: ROOT, stdio: "ignore" });
    return found;
  } catch {
    return null;
  }
}

export class ParleyServer {
  readonly folder = mkdtempSync(join(tmpdir(), "parley-client-"));
  readonly #python: string;
  #port = 0;
  #process: ChildProcess | null = null;

  constructor(python: string) {
    this.#python = python;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${HOST}:${this.#port}`;
  }

  /** Starts it, on the same folder and port as before. */
  async start(): Promise<void> {
    this.#port ||= await freePort();
    const options = ["--port", String(this.#port), "--data", join(this.folder, "data"), "--demo-words-per-s", "0"];
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith("PARLEY_"));
    const child = spawn(this.#python, ["-m", "web.terminal.cli", "serve", ...options], {
      cwd: ROOT,
      env: Object.fromEntries(environment),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    let log = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (log += text.toString()));
    await eventually(() => log.includes("Parley listens on") || child.exitCode !== null, START_MS, () => log);
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}: ${log}`);
  }

  /** Nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    this.#process = null;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A way to the server on a port of its own: what is connected by it can be cut without the server being told. */
export class Line {
  readonly #target: () => number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isCut = false;

  constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, HOST, resolve));
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks what is connected; nothing gets through until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket): void {
    if (this.#isCut) return void client.destroy();
    const server = connect(this.#target(), HOST);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}

/** Polls until the condition holds; fails after the deadline with what `what` says. */
export async function eventually(holds: () => unknown, withinMs = 15_000, what = (): unknown => ""): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`did not come true in ${withinMs} ms: ${JSON.stringify(what())}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, HOST, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
