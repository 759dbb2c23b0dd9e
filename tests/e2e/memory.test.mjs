// memory.test.mjs: what `litetts serve` keeps, and how it gets along with little memory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Server, program, slowness } from './server.mjs';

const tiny = join(process.env.LITETTS_TEST_SHARED ?? '../shared', 'reference/kokoro-tiny');
const tinySkip = existsSync(join(tiny, 'kokoro-tiny.pth')) ? false : 'the reference data (LITETTS_TEST_SHARED) is absent';
const folder = mkdtempSync(join(tmpdir(), 'litetts-memory-'));
after(() => rmSync(folder, { recursive: true }));

/** A data folder with the tiny model, whose speech is noise, and the settings to use it. */
let model;
function tinyModel() {
  if (!model) {
    const data = join(folder, 'data'), voices = join(folder, 'voices');
    mkdirSync(data);
    mkdirSync(voices);
    execFileSync('cp', [join(tiny, 'voice.pt'), join(voices, 'af_heart.pt')]);
    execFileSync(program, ['import', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'), '--voices', voices,
      '-o', join(data, 'kokoro.gguf'), '-q']);
    model = { LITETTS_ENGINE_DATA_FOLDER: data, LITETTS_VOICE_DEFAULT_VOICE: 'af_heart' };
  }
  return model;
}

const bytesOf = async (response) => {
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
};

/** Speaks on one connection that is kept open; resolves to the bytes and the milliseconds. */
function speakOn(server, agent, body) {
  const text = JSON.stringify(body);
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(`${server.url}/v1/audio/speech`, { method: 'POST', agent,
      headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) } }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, bytes: Buffer.concat(parts), ms: performance.now() - begun }));
    });
    request.on('error', reject);
    request.end(text);
  });
}

test('a repeated request is answered at once, in every format', async () => {
  const server = await Server.start();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const input = 'Your appointment is confirmed for Tuesday at half past nine in the morning.';
  for (const response_format of ['wav', 'pcm', 'mp3', 'opus', 'flac', 'aac'])
    for (const stream of [true, false]) {
      const body = { input, response_format, stream };
      const first = await speakOn(server, agent, body);
      const times = [];
      for (let i = 0; i < 50; i++) {
        const again = await speakOn(server, agent, body);
        assert.equal(again.status, 200);
        assert.ok(again.bytes.equals(first.bytes), `${response_format} differs`);
        times.push(again.ms);
      }
      const median = times.sort((a, b) => a - b)[25];
      // 2 ms on a machine that does nothing else; encoding anew takes 10 to 60
      assert.ok(median < 8 * slowness, `${response_format}: ${median} ms`);
    }
  agent.destroy();
  const { engine, speech } = await (await server.get('/stats')).json();
  const encoded = engine.caches.find((cache) => cache.kind === 'encoded');
  assert.equal(encoded.misses, 12);
  assert.equal(encoded.hits, 12 * 50);
  assert.equal(speech.characters, 12 * 51 * input.length);
  await server.stop();
});

test('a changed lexicon is heard in a request that was kept', { skip: tinySkip }, async () => {
  const lexicon = join(folder, 'lexicon.txt');
  writeFileSync(lexicon, 'litetts /lˈIt/\n');
  const server = await Server.start({ 'text.lexicon': lexicon }, { more: tinyModel() });
  const body = { input: 'This is litetts.', response_format: 'mp3' };
  const speak = async () => bytesOf(await server.speak(body));
  const short = await speak();
  assert.ok((await speak()).equals(short));
  writeFileSync(lexicon, 'litetts /lˈIt tˌi tˌi ˈɛs/\n');
  const long = await speak();
  assert.ok(long.length > short.length, 'the old pronunciation was kept');
  assert.ok((await speak()).equals(long));
  writeFileSync(lexicon, 'litetts /broken\n'); // the one before stays in force
  assert.ok((await speak()).equals(long));
  writeFileSync(lexicon, 'litetts /lˈIt/ \n');
  assert.ok((await speak()).equals(short));
  const { engine } = await (await server.get('/stats')).json();
  const encoded = engine.caches.find((cache) => cache.kind === 'encoded');
  assert.equal(encoded.misses, 3); // one a lexicon; the last is a new one, though its samples are there
  assert.equal(encoded.hits, 3);
  await server.stop();
});
