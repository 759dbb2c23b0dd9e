// soak.test.mjs: 64 clients at once for a while: mixed lengths, formats and ways of streaming, clients that vanish, hostile input. Every
// valid request is answered in full, with the same bytes each time, whatever else happens; memory stays where it was; the numbers of
// /stats and /metrics add up. Every other valid request brings a text that nobody has sent before, so that the engine has the work and not
// the cache.
//
// Throughput is told as a share of the engine's own batched speed: the audio that its batches made in a second of the soak, by what
// they made in a second when the same clients asked for new texts as PCM and did nothing else.
//
// Environment: SOAK_SECONDS (20); SOAK_CLIENTS (64); SOAK_MODEL, a Kokoro model file (else the small reference model where it is there
// and no sanitizer is, else a flite voice); SOAK_CACHE_BYTES (1000000: some hits, much eviction).
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, long, program, slowness, until } from './server.mjs';

const soakSeconds = Number(process.env.SOAK_SECONDS ?? 20);
const clients = Number(process.env.SOAK_CLIENTS ?? 64);
const shared = process.env.LITETTS_TEST_SHARED ?? '../shared';
const tiny = join(shared, 'reference/kokoro-tiny');

const texts = [
  'Yes.', 'Turn left here.', 'Thank you very much!', 'It is 5:30 p.m.',
  'The train from Leeds is four minutes late.',
  'Please keep your seat belt fastened until the captain switches off the sign.',
  '# Weather\n\n- **Cold**, with 12 km/h of wind\n- *Rain* from 3 p.m.\n',
  'The kettle began to sing while she was still looking for the blue cup. Outside, a cart went by, and then it was quiet again, ' +
    'as it always was at that hour of the morning. “Naïve”, he said — and paid $1,234.56.',
];
const formats = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'];
const deliveries = ['stream', 'whole', 'sse'];

/** xorshift32: the same soak each time, as far as the clock lets it. */
let state = 2463534242;
function random(below) {
  state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
  return (state >>> 0) % below;
}
const pick = (list) => list[random(list.length)];

// ---- What a valid request must bring ----

/** Seconds of audio in encoded bytes, by ffmpeg. */
function decodedSeconds(bytes, format) {
  return new Promise((resolve, reject) => {
    const input = format === 'pcm' ? ['-f', 's16le', '-ar', '24000', '-ac', '1'] : [];
    const ffmpeg = spawn('ffmpeg', ['-v', 'error', ...input, '-i', '-', '-f', 's16le', '-ar', '24000', '-ac', '1', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let size = 0, errors = '';
    ffmpeg.stdout.on('data', (data) => { size += data.length; });
    ffmpeg.stderr.on('data', (data) => { errors += data; });
    ffmpeg.on('error', reject);
    ffmpeg.on('close', (status) => (status === 0 && errors === '' ? resolve(size / 48000) : reject(new Error(`${format}: ${errors}`))));
    ffmpeg.stdin.on('error', () => {});
    ffmpeg.stdin.end(bytes);
  });
}

/** The lengths in a WAV's header hold for what follows; one that was streamed has the largest there are. */
function checkWav(bytes, delivery) {
  assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
  assert.equal(bytes.toString('latin1', 36, 40), 'data');
  if (delivery === 'whole') {
    assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
    assert.equal(bytes.readUInt32LE(40), bytes.length - 44);
  } else {
    assert.ok(bytes.readUInt32LE(40) >= 0xffffff00);
  }
}

/** Takes the audio out of server-sent events, of which the last must say that all is done. */
function audioOfEvents(body) {
  const events = body.toString('utf8').trimEnd().split('\n\n').map((event) => JSON.parse(event.replace(/^data: /, '')));
  assert.equal(events.at(-1).type, 'speech.audio.done', JSON.stringify(events.at(-1)).slice(0, 300));
  return Buffer.concat(events.slice(0, -1).map((event) => Buffer.from(event.audio, 'base64')));
}

/** What each kind of request brought first, after it was checked; all that follow must bring the same. */
const first = new Map();

async function checkAudio(bytes, text, format, delivery, seconds) {
  const kind = `${texts.indexOf(text)} ${format} ${delivery === 'whole' ? 'whole' : 'streamed'}`;
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (!first.has(kind)) {
    first.set(kind, hash);
    if (format === 'wav') checkWav(bytes, delivery);
    const heard = format === 'pcm' ? bytes.length / 48000 : await decodedSeconds(bytes, format);
    assert.ok(Math.abs(heard - seconds) < 0.15, `${kind}: ${heard} s, not ${seconds} s`);
  }
  assert.equal(hash, first.get(kind), `${kind}: other bytes than before`);
}

// ---- What clients do ----

const counts = { valid: 0, unique: 0, vanished: 0, hostile: 0, raw: 0, audio: 0 };

/** Asks for speech and waits for all of it; fetch() would give up after five minutes, which a large model on a busy machine may take. */
function ask(server, fields) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${server.url}/v1/audio/speech`, { method: 'POST', agent: false, headers: { 'Content-Type': 'application/json' } }, (response) => {
      const pieces = [];
      response.on('data', (data) => pieces.push(data));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(pieces) }));
    });
    request.on('error', reject);
    request.end(JSON.stringify(fields));
  });
}

/** A text that was not sent before. */
let texted = 0;
const newText = () => `Number ${++texted}. ${pick(texts)}`;

/** The bytes of an answer, which must be whole: what it says of lengths holds, and a decoder takes some of them. */
async function checkNew(bytes, format, delivery) {
  assert.ok(bytes.length > 1000, `${bytes.length} bytes of ${format}`);
  if (format === 'wav') checkWav(bytes, delivery);
  else if (format !== 'pcm' && counts.unique % 8 === 0) assert.ok(await decodedSeconds(bytes, format) > 0.3, format);
}

async function speakNew(server) {
  const format = pick(formats), delivery = pick(deliveries);
  const { status, body } = await ask(server, { input: newText(), response_format: format, ...fieldsOf(delivery) });
  assert.equal(status, 200, body.toString('utf8').slice(0, 500));
  counts.valid++;
  counts.unique++;
  await checkNew(delivery === 'sse' ? audioOfEvents(body) : body, format, delivery);
}

const fieldsOf = (delivery) => (delivery === 'sse' ? { stream_format: 'sse' } : { stream: delivery === 'stream' });

async function speakWell(server, expected) {
  const text = pick(texts), format = pick(formats), delivery = pick(deliveries);
  const { status, body } = await ask(server, { input: text, response_format: format, ...fieldsOf(delivery) });
  assert.equal(status, 200, body.toString('utf8').slice(0, 500));
  await checkAudio(delivery === 'sse' ? audioOfEvents(body) : body, text, format, delivery, expected.get(text));
  counts.valid++;
  counts.audio += expected.get(text);
}

/** Goes away before the first byte, or while it listens. */
async function vanish(server) {
  const abort = new AbortController();
  counts.vanished++;
  try {
    const response = await Promise.race([server.speak({ input: random(2) ? long : pick(texts), response_format: pick(formats) }, { signal: abort.signal }),
      sleep(random(2000), null)]);
    const reader = response?.body.getReader();
    for (let reads = random(4); reader && reads > 0; reads--) if ((await reader.read()).done) break;
  } catch (error) {
    assert.fail(`a client that meant to vanish was cut: ${error}`);
  }
  abort.abort();
}

const entities = [...'abcdefgh'].map((c, i, all) => `<!ENTITY ${c} "${i ? `&${all[i - 1]};`.repeat(10) : 'bomb '}">`).join('');
const hostileBodies = [
  '', '{', '[]', 'null', '"text"', '{"input": }', '{"input": "a", }', '{"input": 5}', '{"input": null}', '{"input": ""}', '{"input": "\\u0000"}',
  '{"input": "\\ud800"}', '['.repeat(100_000), Buffer.from([0x7b, 0x22, 0x69, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]), Buffer.alloc(10 << 20, 0x61),
  JSON.stringify({ input: 'a', voice: 'nobody' }), JSON.stringify({ input: 'a', voice: 'slt+' }), JSON.stringify({ input: 'a', response_format: 'doc' }),
  JSON.stringify({ input: 'a', speed: 100 }), JSON.stringify({ input: 'a', speed: -1 }), JSON.stringify({ input: 'a', volume_multiplier: 1e9 }),
  JSON.stringify({ input: 'x'.repeat(300_000) }), JSON.stringify({ input: 'a', ssml: 'yes' }), JSON.stringify({ input: '<speak>', ssml: true }),
  JSON.stringify({ input: `<!DOCTYPE speak [${entities}]><speak>&h;</speak>`, ssml: true }),
  JSON.stringify({ input: `<speak>${'<p>'.repeat(20_000)}`, ssml: true }),
];
const rawBytes = [
  'GARBAGE\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, '\0'.repeat(1000),
  'POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
  'POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"input": "half a requ',
  'POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
];

async function attack(server) {
  if (random(4) === 0) {
    counts.raw++;
    const socket = await server.socket();
    socket.end(pick(rawBytes));
    await Promise.race([socket.over, sleep(2000 * slowness)]);
    socket.destroy();
    return;
  }
  counts.hostile++;
  const body = pick(hostileBodies);
  let response;
  try {
    response = await server.post('/v1/audio/speech', '', { body });
  } catch (error) { // the server may close before it has read ten megabytes
    assert.ok(body.length > 1 << 20, `${body.toString('utf8', 0, 100)}: ${error}`);
    return;
  }
  const answer = await response.text();
  assert.ok(response.status >= 400 && response.status < 500, `${String(body).slice(0, 100)}: ${response.status} ${answer.slice(0, 300)}`);
  assert.ok(JSON.parse(answer).error.message.length > 10);
}

async function client(server, expected, end) {
  while (Date.now() < end) {
    const chance = random(100);
    await (chance < 5 ? vanish(server) : chance < 7 ? attack(server) : chance < 54 ? speakNew(server) : speakWell(server, expected));
  }
}

// ---- The engine's own speed ----

/** What the batches of all backends have made so far. */
async function made(server) {
  const { engine } = await (await server.get('/stats')).json();
  return { seconds: engine.batches.reduce((sum, b) => sum + b.audio_seconds, 0), at: performance.now() };
}
const speed = (from, to) => 1000 * (to.seconds - from.seconds) / (to.at - from.at);

/** Audio seconds a second that the engine makes when it is all there is to do: new texts, PCM, all clients at once. The first and the
 * last seconds, when batches are not full, do not count. */
async function batchedSpeed(server, seconds) {
  const end = Date.now() + seconds * 1000;
  const all = Promise.all(Array.from({ length: clients }, async () => {
    while (Date.now() < end) {
      const { status } = await ask(server, { input: newText(), response_format: 'pcm' });
      assert.equal(status, 200);
      counts.valid++;
      counts.unique++;
    }
  }));
  await sleep(seconds * 200);
  const from = await made(server);
  await sleep(seconds * 750);
  const to = await made(server);
  await all;
  return speed(from, to);
}

// ---- What must hold afterwards ----

async function checkNumbers(server) {
  const stats = await (await server.get('/stats')).json();
  const metrics = new Map([...(await (await server.get('/metrics')).text()).matchAll(/^litetts_([^ ]+) (\S+)$/gm)].map((m) => [m[1], Number(m[2])]));
  const sum = (pattern) => [...metrics].filter(([name]) => pattern.test(name)).reduce((total, [, value]) => total + value, 0);
  const ours = { valid: counts.valid + texts.length, hostile: counts.hostile, vanished: counts.vanished };
  const speech = stats.requests.by_route['/v1/audio/speech'];
  // a client that left early may have gone before the server read its request; one that left late may have had its answer
  assert.ok(speech >= ours.valid && speech <= ours.valid + ours.hostile + ours.vanished + counts.raw, `${speech} requests, ${JSON.stringify(ours)}`);
  assert.equal(sum(/^http_requests_total\{route="\/v1\/audio\/speech"/), speech);
  assert.ok(stats.speech.requests >= ours.valid && stats.speech.requests <= ours.valid + ours.vanished + ours.hostile, `${stats.speech.requests} spoken, ${JSON.stringify(ours)}`);
  assert.ok(stats.speech.cut <= ours.vanished, `${stats.speech.cut} cut, ${ours.vanished} vanished`);
  assert.equal(metrics.get('speech_requests_total'), stats.speech.requests);
  assert.equal(stats.requests.by_status[500] ?? 0, 0);
  assert.equal(stats.requests.by_status[429] ?? 0, 0);
  assert.equal(stats.requests.by_status[503] ?? 0, 0);
  assert.equal(stats.hour.failed, 0);
  assert.equal(metrics.get('requests_in_flight'), 1); // this one
  assert.equal(sum(/^jobs\{/), 0);
  assert.equal(sum(/^batch_queue\{/), 0);
  assert.equal(metrics.get('memory_bytes{holder="requests"}'), 0);
  return stats;
}

/** Memory in MiB that the server holds between requests: heap, stacks and arenas. The pages of the model are files, which the kernel keeps
 * and the engine gives back as it likes: how many are resident says nothing about growth. */
async function idleMemory(server) {
  await until(async () => {
    const { queue, memory } = await (await server.get('/stats')).json();
    return queue.speaking === 0 && queue.queued === 0 && memory.request_bytes === 0;
  }, 'the server is idle', 60);
  if (soakSeconds >= 60) await sleep(12_000); // idle workers end, and the heaps give back what nobody needs
  return server.memory('RssAnon');
}

/** Prepares a model and returns the settings that make the server speak with it; under a sanitizer even the small one takes too long. */
function modelSettings(folder) {
  let model = process.env.SOAK_MODEL;
  if (!model && slowness === 1 && existsSync(join(tiny, 'kokoro-tiny.pth'))) {
    model = join(folder, 'tiny.gguf');
    execFileSync(program, ['import', '--quiet', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'),
      '--voices', join(shared, 'data/kokoro/voices'), '-o', model]);
  }
  return model ? { LITETTS_ENGINE_MODEL: model, LITETTS_VOICE_DEFAULT_VOICE: 'af_heart' } : {};
}

test(`${clients} clients for ${soakSeconds} s`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-soak-'));
  const server = await Server.start({ 'cache.memory_bytes': process.env.SOAK_CACHE_BYTES ?? 1_000_000, write_timeout_seconds: 600 }, { more: modelSettings(folder) });
  try {
    const expected = new Map();
    for (const text of texts) {
      const bytes = await (await server.speak({ input: text, response_format: 'pcm' })).arrayBuffer();
      expected.set(text, bytes.byteLength / 48000);
      assert.ok(bytes.byteLength > 4800, text);
    }
    const alone = await batchedSpeed(server, Math.min(60, soakSeconds / 4));
    const began = Date.now(), settled = Math.min(60, soakSeconds / 2);
    const load = (end) => Promise.all(Array.from({ length: clients }, () => client(server, expected, end)));
    await load(began + settled * 1000);
    const memory = await idleMemory(server), holders = server.holders();
    const from = await made(server);
    await load(Date.now() + (soakSeconds - settled) * 1000);
    const under = speed(from, await made(server));
    const seconds = (Date.now() - began) / 1000;
    await server.healthUntil((health) => health.status === 'healthy', 'the server is well');
    const stats = await until(async () => {
      try { return await checkNumbers(server); } catch (error) { await sleep(200); return Date.now() - began < (seconds + 20 * slowness) * 1000 ? null : Promise.reject(error); }
    }, 'what vanished is gone', 60);
    const after = await idleMemory(server);
    t.diagnostic(`${JSON.stringify(counts)} in ${seconds.toFixed(1)} s`);
    t.diagnostic(`the engine made ${under.toFixed(2)} s of audio a second, ${(100 * under / alone).toFixed(0)} % of the ${alone.toFixed(2)} that it makes when ` +
      `nothing else is to do; ${stats.engine.batches.filter((b) => b.batches > 0).map((b) => `${b.chunks} ${b.length_class} chunks in ${b.batches} batches ` +
      `(${b.size} at most: ${b.size_reason})`).join(', ')}`);
    t.diagnostic(`memory of its own ${memory.toFixed(1)} MiB after ${settled} s, ${after.toFixed(1)} MiB at the end; resident with files ` +
      `${server.memory().toFixed(1)} MiB, at most ${server.memory('VmHWM').toFixed(1)} MiB`);
    t.diagnostic(`by holder in KiB: ${JSON.stringify(holders)}, then ${JSON.stringify(server.holders())}`);
    assert.ok(counts.valid > clients / 2 && counts.vanished > 0);
    // a short soak is not settled when it is half over: the longest batch may still come, and its working memory (32 MiB at most) stays
    if (!process.env.LITETTS_TEST_SANITIZER) assert.ok(after <= memory * 1.02 + (soakSeconds < 120 ? 32 : 0), `${memory} MiB became ${after} MiB: ${JSON.stringify([holders, server.holders()])}`);
    assert.ok(!server.ended, server.log.slice(-2000));
  } catch (error) {
    t.diagnostic(`${server.ended ? `the server ended: ${await server.exited}` : 'the server runs'}\n${server.log.split('\n')
      .filter((line) => !/ info /i.test(line) || /status=5/.test(line)).concat(server.log.slice(-1500)).slice(-40).join('\n')}`);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await server.stop();
});
