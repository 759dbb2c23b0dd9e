// server.mjs: starting `litetts serve` for a test, and talking to it below the level of HTTP clients.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { afterEach } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

export const program = process.env.LITETTS_TEST_PROGRAM ?? new URL('../../build/litetts', import.meta.url).pathname;

/** Under a sanitizer everything takes longer. */
export const slowness = process.env.LITETTS_TEST_SANITIZER ? 10 : 1;

/** Polls `condition` until it gives a true value, which it returns; fails after `seconds`: by far longer than it takes, because the
 * machine may be slow and busy, unless it is a promise to be quick. */
export async function until(condition, what, seconds = 60) {
  const end = Date.now() + seconds * slowness * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `still not so after ${seconds * slowness} s: ${what}`);
    await sleep(10);
  }
}

/** Servers that run. One whose test failed before it stopped it must not outlive the test: node would wait for it. */
const running = new Set();
afterEach(async () => {
  const left = [...running];
  for (const server of left) server.process.kill('SIGKILL');
  await Promise.all(left.map((server) => server.exited));
});

/** A running server. `settings` are configuration keys of the section "server" (or "log.format" with a dot). */
export class Server {
  static async start(settings = {}, { command = [program, 'serve'], extra = [], more = {} } = {}) {
    const env = { ...process.env, LITETTS_SERVER_PORT: '0', LITETTS_ENGINE_DATA_FOLDER: '/nonexistent',
      LITETTS_VOICE_DEFAULT_VOICE: 'kal16', ...more }; // the fastest voice
    for (const [key, value] of Object.entries(settings)) {
      const name = key.includes('.') ? key.replace('.', '_') : `server_${key}`;
      env[`LITETTS_${name.toUpperCase()}`] = String(value);
    }
    const server = new Server();
    server.log = '';
    server.process = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'ignore', 'pipe', ...extra] });
    server.process.stderr.on('data', (data) => { server.log += data; });
    running.add(server);
    server.exited = new Promise((resolve) => server.process.on('close', (code, signal) => {
      server.ended = true;
      running.delete(server);
      resolve(code ?? signal);
    }));
    const found = await until(() => {
      assert.ok(!server.ended, `the server did not start: ${server.log}`);
      return /listening on https?:\/\/127\.0\.0\.1:(\d+)/.exec(server.log);
    }, 'the server listens');
    server.port = Number(found[1]);
    server.url = `http://127.0.0.1:${server.port}`;
    return server;
  }

  /** Ends the server as an operator would; every test ends with it, so that a crash or a leak fails the test. */
  async stop() {
    this.process.kill('SIGTERM');
    assert.equal(await this.exited, 0, this.log);
  }

  get(path, options) { return fetch(this.url + path, options); }

  post(path, body, options = {}) {
    return fetch(this.url + path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...options,
      headers: { 'Content-Type': 'application/json', ...options.headers } });
  }

  speak(body, options) { return this.post('/v1/audio/speech', { input: 'Hello there.', ...body }, options); }

  async health() { return (await this.get('/health')).json(); }

  /** Polls /health until `condition` holds. */
  healthUntil(condition, what, seconds) {
    return until(async () => { const health = await this.health(); return condition(health) && health; }, what, seconds);
  }

  /** Resident memory in MiB: now ("VmRSS") or its peak ("VmHWM"). */
  memory(field = 'VmRSS') {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)[1]) / 1024;
  }

  /** KiB of memory of its own by what it is for: heap, heaps of threads, large blocks (the engine's arena is one), stacks, and pages of
   * files that were written to (relocations, static data). Neighbours that the kernel has joined count as the first of them. */
  holders() {
    const sum = {};
    let kind;
    for (const line of readFileSync(`/proc/${this.process.pid}/smaps`, 'utf8').split('\n')) {
      const mapping = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+\s*(.*)$/.exec(line);
      const own = /^Anonymous:\s+(\d+)/.exec(line);
      if (mapping) {
        const begin = parseInt(mapping[1], 16), size = parseInt(mapping[2], 16) - begin;
        kind = mapping[3].startsWith('/') ? 'files' : mapping[3] || (size === 1 << 20 ? 'stacks' : begin % (64 << 20) === 0 ? 'heaps' : 'blocks');
      } else if (own && own[1] !== '0') {
        sum[kind] = (sum[kind] ?? 0) + Number(own[1]);
      }
    }
    return sum;
  }

  /** A socket to the server. `received` collects what came, `over` is a promise for the end. */
  async socket() {
    const socket = net.connect(this.port, '127.0.0.1');
    socket.received = '';
    socket.on('data', (data) => { socket.received += data.toString('latin1'); });
    socket.on('error', () => {});
    socket.over = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve, reject) => socket.on('connect', resolve).on('error', reject));
    return socket;
  }

  /** Sends `bytes` on a new connection and returns all that comes until the server closes it. */
  async raw(bytes) {
    const socket = await this.socket();
    socket.write(bytes);
    await socket.over;
    return socket.received;
  }

  /** A speech request whose client does not read its answer. */
  async stuck(body) {
    const socket = await this.socket();
    socket.pause();
    socket.write(speechRequest({ input: long, response_format: 'pcm', ...body }));
    return socket;
  }
}

/** The formats of audio and their MIME types. */
export const formats = { mp3: 'audio/mpeg', opus: 'audio/ogg', aac: 'audio/aac', flac: 'audio/flac', wav: 'audio/wav', pcm: 'audio/pcm' };

/** The bytes of a speech request. */
export function speechRequest(body, headers = '', path = '/v1/audio/speech') {
  const text = JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}` +
    `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** About an hour of speech, more than any buffer between the server and a client holds. */
export const long = 'The quick brown fox jumps over the lazy dog, and the dog does not mind it at all. '.repeat(600);
