// hostile.test.mjs: `litetts serve` when what is around it fails, changes or floods it while requests are spoken.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { Server, long, program, slowness, speechRequest, until } from './server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'litetts-hostile-'));
after(() => rmSync(folder, { recursive: true }));

const bytesOf = async (response) => {
  assert.equal(response.status, 200, await (response.status === 200 ? '' : response.text()));
  return Buffer.from(await response.arrayBuffer());
};
const stats = async (server) => (await server.get('/stats')).json();
const level = async (server, name) => (await stats(server)).engine.caches.find((cache) => cache.level === name);

/** Runs `clients` clients, each of which asks again and again until told to end; resolves to the number of answers. */
function load(clients, ask) {
  let on = true, answers = 0;
  const all = Promise.all(Array.from({ length: clients }, async (_, client) => {
    for (let turn = 0; on; turn++, answers++) await ask(client, turn);
  }));
  all.catch(() => {}); // awaited in end()
  return { end: async () => { on = false; await all; return answers; }, answers: () => answers };
}

test('2,000 connections are kept open, and each is answered', async () => {
  const server = await Server.start({ max_connections: 2100, read_timeout_seconds: 60 });
  const sockets = [];
  for (let i = 0; i < 2000; i += 100) sockets.push(...await Promise.all(Array.from({ length: 100 }, () => server.socket())));
  await server.healthUntil((health) => health.connections >= 2000, 'all are connected');
  for (let round = 1; round <= 2; round++) {
    for (const [i, socket] of sockets.entries()) {
      socket.received = '';
      socket.write(i % 100 === 0 ? speechRequest({ input: 'Hi.', response_format: 'wav' }) : 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    }
    // speech to its last chunk: the rest of it would else come before the next round's answer
    const answered = (socket, i) => (i % 100 === 0 ? /^HTTP\/1\.1 (429 |200 [^]*\r\n0\r\n\r\n$)/ : /^HTTP\/1\.1 200 /).test(socket.received);
    await until(() => sockets.every(answered), `round ${round} is answered`);
  }
  assert.ok(slowness > 1 || server.memory('RssAnon') < 150, `${server.memory('RssAnon')} MiB of its own`);
  for (const socket of sockets) socket.destroy();
  const left = async () => (await server.health()).connections < 10;
  await until(() => left().catch(() => false), 'all left'); // a connection that is used again may just have been closed: then another
  assert.equal((await server.speak({})).status, 200);
  await server.stop();
});

test('more connections than there may be wait or are closed, and nobody else suffers', async () => {
  const server = await Server.start({ max_connections: 20 });
  const sockets = await Promise.all(Array.from({ length: 60 }, () => server.socket()));
  await sleep(200);
  for (const socket of sockets) socket.destroy();
  await until(async () => { try { return (await server.speak({})).status === 200; } catch { return false; } }, 'it answers again');
  await server.stop();
});

test('a client that takes a byte now and then holds up nobody, and is cut', async () => {
  const server = await Server.start({ max_concurrent: 1, write_timeout_seconds: 2 });
  const socket = await server.stuck();
  const drip = setInterval(() => socket.read(1), 100);
  await server.healthUntil((health) => health.waiting_for_clients === 1, 'its worker waits');
  for (let i = 0; i < 3; i++) assert.ok((await bytesOf(await server.speak({ input: `Number ${i}.` }))).length > 500);
  await server.healthUntil((health) => health.waiting_for_clients === 0, 'it was cut');
  clearInterval(drip);
  socket.destroy();
  await server.stop();
});

test('100 requests pipelined on one connection are answered in order', async () => {
  const server = await Server.start();
  const socket = await server.socket();
  let sent = '';
  for (let i = 0; i < 99; i++)
    sent += i % 10 === 0 ? speechRequest({ input: 'Go on.', response_format: 'pcm', stream: false }, `x-request-id: r${i}\r\n`)
      : `${i % 3 === 0 ? 'HEAD' : i % 3 === 1 ? 'OPTIONS' : 'GET'} /health/live HTTP/1.1\r\nHost: x\r\nx-request-id: r${i}\r\n\r\n`;
  socket.write(`${sent}GET /v1/models HTTP/1.1\r\nHost: x\r\nx-request-id: r99\r\nConnection: close\r\n\r\n`);
  await socket.over;
  assert.deepEqual([...socket.received.matchAll(/x-request-id: (\S+)/gi)].map((m) => m[1]), Array.from({ length: 100 }, (_, i) => `r${i}`));
  assert.ok([...socket.received.matchAll(/HTTP\/1\.1 (\d+) /g)].every((m) => /^20[04]$/.test(m[1])));
  await server.stop();
});

test('a body in chunks, one that is announced, and one that never ends', async () => {
  const server = await Server.start({ read_timeout_seconds: 1 });
  const body = '{"input":"Hello.","response_format":"wav"}';
  const head = 'POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n';
  const chunked = (extension) => `${head}Transfer-Encoding: chunked\r\n\r\n${[...body].map((c) => `1${extension}\r\n${c}\r\n`).join('')}0\r\nTrailer: x\r\n\r\n`;
  assert.match(await server.raw(chunked('')), /^HTTP\/1\.1 200 [^]*RIFF/);
  const { libraries } = JSON.parse(spawnSync(program, ['doctor', '--json']).stdout);
  const refused = libraries.libmicrohttpd.startsWith('1.0.'); // docs/dependencies.md
  assert.match(await server.raw(chunked(';x=y')), refused ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 200 [^]*RIFF/);

  const socket = await server.socket();
  socket.write(`${head}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
  await until(() => /^HTTP\/1\.1 100 /.test(socket.received), 'it is told to go on');
  socket.write(body);
  await socket.over;
  assert.match(socket.received, /^HTTP\/1\.1 100 [^]*HTTP\/1\.1 200 [^]*RIFF/);

  const endless = await server.socket();
  endless.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  const drip = setInterval(() => endless.write('1\r\n \r\n'), 20);
  await endless.over;
  clearInterval(drip);
  assert.match(endless.received, /^HTTP\/1\.1 408 /);
  await server.stop();
});

test('bodies that never end and answers that nobody takes do not fill the memory', async () => {
  const server = await Server.start({ read_timeout_seconds: 60, write_timeout_seconds: 60, 'memory.limit_bytes': 80 << 20 });
  await bytesOf(await server.speak({}));
  const before = server.memory('RssAnon'), sockets = [];
  const grown = () => (slowness > 1 ? 0 : server.memory('RssAnon') - before);
  const open = async (count, bytes) => {
    for (let i = 0; i < count; i++) {
      sockets.push(await server.socket());
      sockets.at(-1).write(bytes);
    }
  };
  const head = 'POST /dev/normalize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  await open(100, `${head}Content-Length: 1000000\r\n\r\n${' '.repeat(999_999)}`);
  await sleep(500);
  assert.ok(grown() < 40, `${grown()} MiB for bodies`);
  const held = async () => (await stats(server)).memory.request_bytes;
  assert.ok(await held() > 8 << 20 && await held() <= 17 << 20, `${await held()} bytes in the budget`);
  for (const socket of sockets) socket.write(' ');
  await until(() => sockets.every((socket) => /^HTTP\/1\.1 (400|503) /.test(socket.received)), 'all are answered');
  const refused = sockets.find((socket) => / 503 /.test(socket.received));
  assert.match(refused.received, /Retry-After: 1\r\n[^]*"code":"out_of_memory"/);
  for (const socket of sockets.splice(0)) socket.destroy();

  const text = JSON.stringify({ text: 'It cost $2.50 on 3/4/2021. '.repeat(7000), explain: true });
  await open(30, `${head}Content-Length: ${text.length}\r\n\r\n${text}`);
  for (const socket of sockets) socket.pause();
  await until(async () => (await server.health()).speaking + (await server.health()).queued === 0, 'all are made');
  assert.ok(grown() < 80, `${grown()} MiB for answers`);
  for (const socket of sockets) socket.destroy();
  await until(async () => (await server.post('/dev/normalize', { text: 'One.' })).status === 200, 'it is over');
  await until(async () => await held() === 0, 'nothing is held any more');
  await server.stop();
});

test('TLS: garbage, half a handshake, and clients that vanish in it', async () => {
  const certificate = join(folder, 'certificate.pem'), key = join(folder, 'key.pem');
  assert.equal(spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate]).status, 0);
  const server = await Server.start({ tls_certificate: certificate, tls_key: key, read_timeout_seconds: 1 });
  const speak = () => new Promise((resolve, reject) => {
    const socket = tls.connect({ port: server.port, host: '127.0.0.1', ca: readFileSync(certificate) }, () => socket.write(speechRequest({ input: 'Hello.' }, 'Connection: close\r\n')));
    let received = '';
    socket.on('data', (data) => { received += data.toString('latin1'); }).on('close', () => resolve(received)).on('error', reject);
  });
  const hello = Buffer.from('16030100c8010000c40303', 'hex');
  const careless = [];
  for (let i = 0; i < 60; i++) {
    const socket = await server.socket();
    socket.write([speechRequest({ input: 'Plain.' }), hello, Buffer.alloc(5000, i)][i % 3]);
    if (i % 2) socket.destroy();
    else careless.push(socket.over);
  }
  assert.match(await speak(), /^HTTP\/1\.1 200 /);
  await Promise.all(careless); // cut at their deadline
  assert.match(await speak(), /^HTTP\/1\.1 200 /);
  await server.stop();
});

test('a full disk costs the cache on it, and no request', async () => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  // no file may grow beyond 8 KiB: writing fails in the middle of a clip, as it does on a full disk
  const server = await Server.start({ 'cache.disk_folder': disk, 'cache.memory_bytes': 0 }, { command: ['sh', '-c', 'ulimit -f 16; exec "$0" serve', program] });
  const again = async () => bytesOf(await server.speak({ input: 'This is longer than eight thousand bytes of sound.', response_format: 'pcm' }));
  const first = await again();
  assert.ok(first.length > 20000);
  const seen = await until(async () => { const now = await level(server, 'disk'); return now.errors > 0 && now; }, 'the fault is counted');
  assert.equal(seen.entries, 0);
  assert.ok((await again()).equals(first));
  await server.stop();
  const left = readdirSync(disk, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name);
  assert.ok(!left.some((name) => /tmp|new/.test(name)), `${left}`);
});

/** A redis-server on a socket of its own. */
async function startRedis(socket) {
  const redis = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder], { stdio: 'ignore' });
  redis.over = new Promise((resolve) => redis.on('close', resolve));
  await until(() => spawnSync('redis-cli', ['-s', socket, 'ping'], { encoding: 'utf8' }).stdout?.includes('PONG'), 'redis answers');
  return redis;
}

const redisSkip = spawnSync('redis-server', ['--version']).status !== 0 && 'there is no redis-server';
test('redis is killed, hangs and comes back while requests are spoken', { skip: redisSkip }, async () => {
  const path = join(folder, 'redis.sock');
  let redis = await startRedis(path);
  const server = await Server.start({ 'cache.redis': `unix://${path}`, 'cache.memory_bytes': 0, 'cache.redis_timeout_ms': 500 });
  const texts = Array.from({ length: 8 }, (_, i) => `Number ${i}, please.`);
  const expected = [];
  for (const input of texts) expected.push(await bytesOf(await server.speak({ input, response_format: 'pcm' })));
  const running = load(4, async (client, turn) => {
    const i = (client + turn) % texts.length;
    assert.ok((await bytesOf(await server.speak({ input: texts[i], response_format: 'pcm' }))).equals(expected[i]));
  });
  try {
    await until(async () => (await level(server, 'redis')).hits > 20, 'redis is asked');
    redis.kill('SIGKILL');
    await redis.over;
    rmSync(path, { force: true });
    await until(async () => (await level(server, 'redis')).down, 'it is seen to be down');
    const then = running.answers();
    await until(() => running.answers() > then + 20, 'requests go on without it');
    redis = await startRedis(path);
    let hits = (await level(server, 'redis')).hits;
    await until(async () => { const now = await level(server, 'redis'); return !now.down && now.hits > hits + 20; }, 'it is used again');
    redis.kill('SIGSTOP'); // takes connections and never answers
    await until(async () => (await level(server, 'redis')).down, 'it is seen to hang');
    redis.kill('SIGCONT');
    hits = (await level(server, 'redis')).hits;
    await until(async () => (await level(server, 'redis')).hits > hits + 20, 'it is used once more');
    assert.ok(await running.end() > 60);
    const { requests, hour } = await stats(server);
    assert.deepEqual(Object.keys(requests.by_status), ['200']);
    assert.equal(hour.failed, 0);
  } finally {
    await running.end().catch(() => {});
    redis.kill('SIGCONT');
    redis.kill('SIGKILL');
  }
  await server.stop();
});

test('requests do not wait for one another at a slow redis', async () => {
  const redis = net.createServer((client) => {
    client.on('error', () => {});
    client.on('data', (data) => { // a clip may come in several
      const command = /^\*\d\r\n\$3\r\n(GET|SET)\r\n/.exec(data.toString('latin1'))?.[1];
      if (command === 'GET') setTimeout(() => client.write('$-1\r\n'), 1000); // there is nothing
      if (command === 'SET') client.write('+OK\r\n');
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => redis.on('listening', resolve));
  const server = await Server.start({ 'cache.redis': `redis://127.0.0.1:${redis.address().port}`, 'cache.redis_timeout_ms': 2000, max_concurrent: 20 });
  const begun = performance.now();
  await Promise.all(Array.from({ length: 20 }, async (_, i) => bytesOf(await server.speak({ input: `Number ${i}.` }))));
  assert.ok(performance.now() - begun < 10_000, `${performance.now() - begun} ms`); // one after the other: 20 s
  const { misses, down } = await level(server, 'redis');
  assert.deepEqual([misses, down], [20, false]);
  await server.stop();
  redis.close();
});

test('voice, caches and limits change by SIGHUP while requests are spoken', async () => {
  const file = join(folder, 'config.json');
  const settings = [
    { voice: { default_voice: 'kal16' } },
    { voice: { default_voice: 'kal16' }, cache: { memory_bytes: 0 }, server: { max_body_bytes: 4096 } },
    { voice: { default_voice: 'slt' }, memory: { limit_bytes: 60_000_000 }, cache: { memory_bytes: 1_000_000 } },
    { voice: { default_voice: 'slt' }, engine: { threads: 1 }, server: { max_text_characters: 2000 } },
  ];
  writeFileSync(file, JSON.stringify(settings[0]));
  const server = await Server.start({}, { more: { LITETTS_CONFIG: file, LITETTS_VOICE_DEFAULT_VOICE: undefined } });
  const inputs = ['One.', 'Two, and some more.', long.slice(0, 1500)];
  const expected = new Map(); // seconds by voice: kal16's samples are the same each time, slt draws noise
  for (const voice of ['kal16', 'slt'])
    for (const [i, input] of inputs.entries()) expected.set(`${voice} ${i}`, (await bytesOf(await server.speak({ input, voice, response_format: 'pcm' }))).length);
  const running = load(12, async (client, turn) => {
    const i = (client + turn) % inputs.length;
    const { length } = await bytesOf(await server.speak({ input: inputs[i], response_format: 'pcm' }));
    assert.ok(['kal16', 'slt'].some((voice) => length === expected.get(`${voice} ${i}`)), `${length} bytes of ${JSON.stringify(Object.fromEntries(expected))}`);
  });
  for (let turn = 1; turn <= 12; turn++) {
    writeFileSync(file, JSON.stringify(settings[turn % settings.length]));
    server.process.kill('SIGHUP');
    await until(async () => (await stats(server)).server.reloads === turn, `reload ${turn}`);
    await sleep(100);
  }
  assert.ok(await running.end() > 12);
  const { requests, hour } = await stats(server);
  assert.deepEqual(Object.keys(requests.by_status), ['200']);
  assert.equal(hour.failed, 0);
  await server.stop();
});
