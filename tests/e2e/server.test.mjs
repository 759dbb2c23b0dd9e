// server.test.mjs: `litetts serve` as real clients, careless clients and hostile clients meet it.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import Ajv from 'ajv/dist/2020.js';
import OpenAI from 'openai';
import { Server, formats, long, program, slowness, speechRequest, until } from './server.mjs';

const sentence = 'This is a test of the speech server, and a plain one.';

/** Runs a test against a server of its own, which has to end well. */
function serverTest(name, settings, body) {
  test(name, async () => {
    const server = await Server.start(settings);
    try {
      await body(server);
    } catch (error) {
      console.log(server.log.slice(-4000));
      throw error;
    }
    if (!server.ended) await server.stop();
  });
}

/** Seconds of audio in encoded bytes, by ffmpeg. */
function seconds(bytes, format) {
  const input = format === 'pcm' ? ['-f', 's16le', '-ar', '24000', '-ac', '1'] : [];
  const { status, stdout, stderr } = spawnSync('ffmpeg',
    ['-v', 'error', ...input, '-i', '-', '-f', 's16le', '-ar', '24000', '-ac', '1', '-'], { input: bytes, maxBuffer: 1 << 30 });
  assert.equal(status, 0, `${format}: ${stderr}`);
  return stdout.length / 48000;
}

/** Checks that a response is an error in OpenAI's form; returns it. */
async function failure(response, status, code, param = null) {
  const body = await response.json();
  assert.equal(response.status, status, JSON.stringify(body));
  assert.deepEqual(Object.keys(body), ['error']);
  assert.deepEqual(Object.keys(body.error), ['message', 'type', 'param', 'code']);
  assert.ok(body.error.message.length > 10);
  assert.equal(body.error.code, code);
  assert.equal(body.error.param, param);
  assert.match(response.headers.get('x-request-id'), /^[\w.:-]+$/);
  return body.error;
}

const bytesOf = async (response) => Buffer.from(await response.arrayBuffer());

// ---- The API as clients use it ----

serverTest('the openai client speaks every format', {}, async (server) => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  const pcm = await bytesOf(await client.audio.speech.create({ model: 'tts-1', voice: 'kal16', input: sentence, response_format: 'pcm' }));
  const expected = pcm.length / 48000;
  assert.ok(expected > 2 && expected < 8, `${expected} s`);
  for (const [format, mime] of Object.entries(formats)) {
    const response = await client.audio.speech.create({ model: 'any-name', voice: 'kal16', input: sentence, response_format: format });
    assert.equal(response.headers.get('content-type'), mime);
    assert.equal(response.headers.get('transfer-encoding'), 'chunked');
    const heard = seconds(await bytesOf(response), format);
    assert.ok(Math.abs(heard - expected) < 0.15, `${format}: ${heard} s, not ${expected} s`);
  }
  assert.deepEqual((await client.models.list()).data.map((m) => m.object), Array(4).fill('model'));
  assert.equal((await client.models.retrieve('tts-1')).id, 'tts-1');
  await assert.rejects(client.models.retrieve('davinci'), { status: 404, code: 'model_not_found' });
  await assert.rejects(client.audio.speech.create({ model: 'tts-1', voice: 'nobody', input: 'x' }),
    { status: 400, code: 'voice_not_found', param: 'voice', message: /slt/ });
});

serverTest('an answer that is not streamed has its length and the same audio', {}, async (server) => {
  for (const format of Object.keys(formats)) {
    const whole = await server.speak({ input: sentence, response_format: format, stream: false });
    const bytes = await bytesOf(whole);
    assert.equal(Number(whole.headers.get('content-length')), bytes.length);
    const streamed = await bytesOf(await server.speak({ input: sentence, response_format: format }));
    // a streamed MP3 cannot say how much of it is the encoder's delay and padding, which newer decoders cut: up to 0.1 s
    assert.ok(Math.abs(seconds(bytes, format) - seconds(streamed, format)) < 0.1, format);
    if (format === 'wav') // its header tells the true size
      assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
    if (format === 'pcm')
      assert.deepEqual(bytes, streamed);
  }
});

test('a temporary file that cannot be written is a fault of the server', async () => {
  const server = await Server.start({}, { command: ['sh', '-c', 'ulimit -f 8; exec "$0" serve', program] });
  const { message } = await failure(await server.speak({ input: long, stream: false }), 500, 'internal_error');
  assert.match(message, /cannot write its temporary file; ask for a streamed answer: File too large/);
  assert.equal((await server.speak({})).status, 200);
  await server.stop();
});

serverTest('the first audio leaves long before the last is spoken', {}, async (server) => {
  const response = await server.speak({ input: long, response_format: 'pcm' }); // more than fits between the server and a client
  const reader = response.body.getReader();
  assert.ok((await reader.read()).value.length > 0);
  const { speaking, queued, waiting_for_clients: waiting } = await server.health();
  assert.equal(speaking + queued + waiting, 1);
  await reader.cancel();
});

serverTest('server-sent events carry the same bytes', {}, async (server) => {
  const plain = await bytesOf(await server.speak({ input: sentence, response_format: 'pcm' }));
  const response = await server.speak({ input: sentence, response_format: 'pcm', stream_format: 'sse' });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const events = (await response.text()).trimEnd().split('\n\n').map((event) => JSON.parse(event.replace(/^data: /, '')));
  const last = events.pop();
  assert.ok(events.every((event) => event.type === 'speech.audio.delta'));
  assert.deepEqual(Buffer.concat(events.map((event) => Buffer.from(event.audio, 'base64'))), plain);
  assert.equal(last.type, 'speech.audio.done');
  assert.equal(last.usage.input_tokens, sentence.length);
  assert.equal(last.usage.output_tokens, Math.ceil(plain.length / 48000 * 20));
  assert.equal(last.usage.total_tokens, last.usage.input_tokens + last.usage.output_tokens);
});

serverTest('captions are wrapped around the same audio, long or short', { max_text_characters: 100_000 }, async (server) => {
  for (const input of ['Hi.', long.slice(0, 2500)]) {
    const body = { input, response_format: 'wav' };
    const whole = await server.post('/dev/captioned_speech', { ...body, stream: false });
    assert.equal(whole.headers.get('content-type'), 'application/json');
    const text = await whole.text();
    assert.equal(Number(whole.headers.get('content-length')), text.length);
    assert.deepEqual(Buffer.from(JSON.parse(text).audio, 'base64'), await bytesOf(await server.speak({ ...body, stream: false })));
    const streamed = await server.post('/dev/captioned_speech', body);
    assert.equal(streamed.headers.get('transfer-encoding'), 'chunked');
    const lines = (await streamed.text()).split('\n');
    assert.equal(lines.pop(), '');
    const parts = lines.map((line) => JSON.parse(line));
    assert.deepEqual(parts.map((part) => part.audio_format), Array(parts.length).fill('audio/wav'));
    assert.deepEqual(Buffer.concat(parts.map((part) => Buffer.from(part.audio, 'base64'))), await bytesOf(await server.speak(body)));
    const { text: spoken } = await (await server.post('/dev/normalize', { text: input })).json();
    assert.deepEqual(parts.flatMap((part) => part.timestamps.map(({ word }) => word)), spoken.match(/[\w']+/g));
    assert.deepEqual(parts.flatMap((part) => part.timestamps), JSON.parse(text).timestamps);
  }
  const refuse = async (more, code, param) => failure(await server.post('/dev/captioned_speech', { input: 'Hi.', ...more }), 400, code, param);
  await refuse({ return_timestamps: 'yes' }, 'invalid_type', 'return_timestamps');
  await refuse({ voice: 'nobody' }, 'voice_not_found', 'voice');
  await refuse({ response_format: 'm4b' }, 'invalid_value', 'response_format');
  await refuse({ input: '<speak>', ssml: true }, 'invalid_value', 'input');
  assert.equal((await server.get('/dev/captioned_speech')).status, 405);
  await until(async () => /http_requests_total\{route="\/dev\/captioned_speech",status="400"\} 4/.test(await (await server.get('/metrics')).text()), 'they are counted');
});

test('captions are the same for all who ask at once, and after a restart from the disk', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-captions-')), settings = { 'cache.disk_folder': folder, 'voice.default_voice': 'slt' };
  const input = Array.from({ length: 8 }, (_, i) => `Sentence number ${i} is like the others, but for its number, which is ${i}.`).join(' ');
  const body = { input, response_format: 'pcm' };
  const ask = async (server, stream) => {
    const lines = (await (await server.post('/dev/captioned_speech', { ...body, stream })).text()).trimEnd().split('\n').map((line) => JSON.parse(line));
    return { audio: Buffer.concat(lines.map((line) => Buffer.from(line.audio, 'base64'))), words: lines.flatMap((line) => line.timestamps) };
  };
  const audioCache = async (server, level) => {
    const { samples } = prometheus(await (await server.get('/metrics')).text());
    return Object.fromEntries(['hits', 'shared', 'misses'].map((what) => [what, samples.get(`litetts_cache_${what}_total{level="${level}",kind="audio"}`)]));
  };
  const first = await Server.start(settings);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(first, i % 2 === 0)));
  assert.ok(answers[0].words.length > 100);
  for (const answer of answers) assert.deepEqual(answer, answers[0]); // slt's noise is another each time that it is spoken
  const memory = await audioCache(first, 'memory');
  assert.equal(memory.hits + memory.shared, 7 * memory.misses);
  await first.stop();
  const second = await Server.start(settings);
  assert.deepEqual(await ask(second, true), answers[0]);
  assert.deepEqual((await audioCache(second, 'disk')).hits, memory.misses);
  await second.stop();
  rmSync(folder, { recursive: true });
});

serverTest('fields do what they say, and others are ignored', {}, async (server) => {
  const pcm = async (body) => bytesOf(await server.speak({ input: sentence, response_format: 'pcm', ...body }));
  const plain = await pcm({});
  const fast = await pcm({ speed: 2 });
  assert.ok(Math.abs(plain.length / fast.length - 2) < 0.2, `${plain.length / fast.length}`);
  const peak = (bytes) => { let most = 0; for (let i = 0; i < bytes.length; i += 2) most = Math.max(most, Math.abs(bytes.readInt16LE(i))); return most; };
  const quiet = await pcm({ volume_multiplier: 0.5 });
  assert.ok(Math.abs(peak(plain) / peak(quiet) - 2) < 0.1);
  assert.equal(peak(await pcm({ volume_multiplier: 0 })), 0);
  const slt = await pcm({ voice: 'slt' });
  assert.notEqual(slt.length, plain.length);
  assert.equal((await pcm({ voice: { id: 'slt' } })).length, slt.length);
  assert.deepEqual(await pcm({ instructions: 'whisper', lang_code: 'a', return_download_link: true, download_format: 'mp3',
    normalization_options: { normalize: true }, whatever: [1, { two: 3 }], speed: null, voice: null, model: null }), plain);
  for (const voice of ['alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', 'onyx', 'nova', 'sage', 'shimmer', 'verse', 'marin', 'cedar'])
    assert.equal((await server.speak({ input: 'Hi.', voice })).status, 200, voice);
  const stream = await server.post('/v1/audio/stream', { input: 'Hi.', stream: false });
  assert.equal(stream.headers.get('transfer-encoding'), 'chunked');
  assert.ok(seconds(await bytesOf(stream), 'mp3') > 0.2);
});

serverTest('words and phonemes of a text', {}, async (server) => {
  const ask = async (path, body) => (await server.post(path, body)).json();
  assert.deepEqual(await ask('/dev/normalize', { text: 'It costs $5.\n\nReally!' }), { text: 'It costs five dollars.\nReally!' });
  const spoken = await ask('/dev/phonemize', { text: '[Oh](/ˈO/)' });
  assert.deepEqual(spoken, { phonemes: 'ˈO', tokens: [156, 31] });
  const got = await (await server.get(`/dev/phonemize?text=${encodeURIComponent('[Oh](/ˈO/)')}&language=a`)).json();
  assert.deepEqual(got, spoken);
  const { words } = await ask('/dev/phonemize', { text: 'Five 2.', explain: true });
  assert.deepEqual(words.map((word) => [word.kind, word.spoken, ...word.source]), [['word', 'Five', 0, 4], ['word', 'two', 5, 6], ['punctuation', '.', 6, 7]]);
  const ssml = await ask('/dev/normalize', { text: '<speak>One &amp; <say-as interpret-as="characters">ab</say-as></speak>', ssml: true });
  assert.match(ssml.text, /^One and A ?B/i);
  const switched = { text: '5KB *of* [voice:slt]x@y.de', allow_voice_tags: false, normalization_options: { unit_normalization: false, markdown: false, other: 1 } };
  assert.deepEqual(await ask('/dev/normalize', switched), { text: 'five KB of X at Y dot DE' });
  assert.deepEqual(await ask('/dev/normalize', { ...switched, normalization_options: { normalize: false } }), { text: '5KB of x@y.de' });
  await failure(await server.post('/dev/normalize', { text: 'x', normalization_options: 'no' }), 400, 'invalid_type', 'normalization_options');
  assert.deepEqual((await ask('/dev/normalize', { text: long })).text.length > long.length / 2, true);
  await failure(await server.post('/dev/phonemize', { text: '' }), 400, 'empty_string', 'text');
  await failure(await server.post('/dev/phonemize', { text: '<speak>x', ssml: true }), 400, 'invalid_value', 'text');
  await failure(await server.post('/dev/phonemize', { text: 'x', language: 'tlh' }), 400, 'unsupported');
  await failure(await server.post('/dev/generate_from_phonemes', { phonemes: 'həlˈO', voice: 'slt' }), 400, 'unsupported');
  await failure(await server.post('/dev/generate_from_phonemes', { phonemes: 'həlˈO', voice: 'nobody' }), 400, 'voice_not_found', 'voice');
  assert.equal((await server.get('/dev/normalize?text=hi', { method: 'HEAD' })).status, 200);
  assert.equal((await server.health()).speaking, 0);
});

serverTest('voices come in the forms that clients read', {}, async (server) => {
  const list = await (await server.get('/v1/audio/voices')).json();
  const names = list.voices.map((voice) => voice.id);
  assert.ok(names.includes('slt') && names.includes('kal16'));
  assert.deepEqual(list.data, list.voices);
  assert.deepEqual(await (await server.get('/v1/voices')).json(), list.voices);
  assert.deepEqual(await (await server.get('/v1/audio/voices?legacy=true')).json(), { voices: names });
  assert.equal(list.voices.filter((voice) => voice.default).length, 1);
  assert.ok((await (await server.get('/v1/audio/models')).json()).models.some(({ id, name }) => id === 'tts-1' && name === 'tts-1'));
  for (const voice of names) assert.equal((await server.speak({ input: 'Hi.', voice })).status, 200);
});

serverTest('/openapi.json describes what the server answers', { api_key: 'secret', max_body_bytes: 2000 }, async (server) => {
  const api = await (await server.get('/openapi.json')).json();
  const ajv = new Ajv({ strict: false });
  ajv.addSchema(api, 'api');
  const resolve = (node) => (node?.$ref ? node.$ref.slice(2).split('/').reduce((at, key) => at[key], api) : node);
  const seen = new Set();
  const check = async (path, method, response) => {
    const what = `${method.toUpperCase()} ${path} ${response.status}`;
    const documented = resolve(api.paths[path][method].responses[response.status]);
    assert.ok(documented, `${what} is not documented`);
    for (const header of Object.keys(documented.headers ?? {})) assert.ok(response.headers.has(header), `${what}: no ${header}`);
    const mime = response.headers.get('content-type').split(';')[0];
    assert.ok(documented.content[mime], `${what}: ${mime} is not documented`);
    if (mime === 'application/json') {
      const at = ['#', 'paths', path.replaceAll('~', '~0').replaceAll('/', '~1'), method, 'responses', String(response.status), 'content', 'application~1json', 'schema'];
      const node = documented.content['application/json'].schema;
      const validate = ajv.compile({ $ref: node.$ref ? `api${node.$ref}` : `api${at.map(encodeURIComponent).join('/').replace('%23', '#')}` });
      assert.ok(validate(await response.json()), `${what}: ${JSON.stringify(validate.errors)}`);
    } else {
      await response.arrayBuffer();
    }
    seen.add(what);
  };
  const headers = { Authorization: 'Bearer secret' };
  for (const [path, methods] of Object.entries(api.paths)) {
    if (path.startsWith('/dev/') && methods.get) {
      const query = `${path}?text=It%20costs%20%245.&language=b`;
      for (const more of ['', '&explain=true', '&ssml=true', '&language=zz']) await check(path, 'get', await server.get(query + more, { headers }));
      await check(path, 'get', await server.get(query));
      await check(path, 'get', await server.get(path, { headers }));
      await check(path, 'get', await server.get(`${path}?text=%ff`, { headers }));
      const { example, schema } = methods.post.requestBody.content['application/json'];
      assert.ok(ajv.compile({ $ref: `api${schema.$ref}` })(example));
      for (const more of [{}, { explain: true }, { explain: 1 }, { language: 'xx' }])
        await check(path, 'post', await server.post(path, { ...example, ...more }, { headers }));
      await check(path, 'post', await server.post(path, { text: 'a'.repeat(3000) }, { headers }));
    } else if (methods.get) {
      await check(path, 'get', await server.get(path.replace('{id}', 'kokoro'), { headers }));
      if (methods.get.security?.length !== 0) await check(path, 'get', await server.get(path.replace('{id}', 'kokoro')));
    } else {
      const { example, schema } = methods.post.requestBody.content['application/json'];
      assert.ok(ajv.compile({ $ref: `api${schema.$ref}` })(example));
      for (const format of [...Object.keys(formats), 'nonsense'])
        await check(path, 'post', await server.post(path, { ...example, response_format: format }, { headers }));
      await check(path, 'post', await server.post(path, { ...example, stream_format: 'sse' }, { headers }));
      await check(path, 'post', await server.post(path, example));
      await check(path, 'post', await server.post(path, { input: 'a'.repeat(3000) }, { headers }));
      await check(path, 'post', await server.post(path, example, { headers: { ...headers, 'Content-Type': 'text/plain' } }));
    }
  }
  await check('/v1/models/{id}', 'get', await server.get('/v1/models/nothing', { headers }));
  for (const status of [200, 400, 401, 413, 415]) assert.ok(seen.has(`POST /v1/audio/speech ${status}`));
  const undocumented = ['/v1/nothing', '/v1', '/docs/x', '/v1/docs', '/health/v1', '/v1/v1/models'];
  for (const path of undocumented) assert.equal((await server.get(path, { headers })).status, 404);
});

serverTest('docs/api.md tells of every route, field and metric', {}, async (server) => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  /** The rows of a section's tables: what stands in backticks in the first cell, and the second cell. */
  const rows = (title) => [...page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)).matchAll(/^\| (`.*?) \| (.*?) \|/gm)]
    .map(([, first, second]) => ({ names: [...first.matchAll(/`([^`]+)`/g)].map((match) => match[1]), second }));
  const api = await (await server.get('/openapi.json')).json();
  const routes = rows('Routes').flatMap(({ names }) => names).flatMap((name) => /\/.*/.exec(name) ?? []); // without methods
  assert.deepEqual(routes.sort(), Object.keys(api.paths).sort());
  const fields = rows('Speech').flatMap(({ names }) => names);
  for (const name of Object.keys(api.components.schemas.SpeechRequest.properties)) assert.ok(fields.includes(name), `no field ${name}`);
  const metrics = [...(await (await server.get('/metrics')).text()).matchAll(/^# TYPE litetts_(\S+) (\S+)/gm)].map(([, name, type]) => `${name} ${type}`);
  const told = rows('Monitoring').flatMap(({ names, second }) => names.map((name) => `${name.replace(/\{.*/, '')} ${second}`));
  assert.deepEqual(told.sort(), metrics.sort());
});

serverTest('docs/api.md and openapi.json tell of every number of /stats and /health', {}, async (server) => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  const { components: { schemas } } = await (await server.get('/openapi.json')).json();
  const stats = await (await server.get('/stats')).json();
  const section = page.split(/^## /m).find((part) => part.startsWith('Statistics\n'));
  const rows = [...section.matchAll(/^\| (`.*?) \| (.*) \|$/gm)].flatMap(([, first, second]) =>
    [...first.matchAll(/`([^`]+)`/g)].map(([, name]) => [name, second]));
  const told = Object.fromEntries(rows.map(([name, cell]) => [name, [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1])]));
  const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  const ofCounts = ['by_status', 'by_route', 'errors']; // whose fields are statuses, routes and codes
  const looked = [];
  /** Looks whether every field of an object at `path` is in the row of that path, and is one that the schema requires. */
  const check = (path, object, schema) => {
    const known = schema.$ref ? schemas[schema.$ref.split('/').pop()] : schema;
    looked.push(path);
    for (const [name, value] of Object.entries(object)) {
      assert.ok(told[path]?.includes(name), `api.md: ${path} ${name}`);
      assert.ok(known.required.includes(name), `openapi.json: ${path} ${name}`);
      const inner = Array.isArray(value) ? value[0] : value;
      if (isObject(inner) && !ofCounts.includes(name) && path !== 'targets')
        check(`${path}.${name}`, inner, Array.isArray(value) ? known.properties[name].items : known.properties[name]);
    }
  };
  for (const [name, value] of Object.entries(stats)) {
    const schema = schemas.Stats.properties[name];
    check(name, Array.isArray(value) ? value[0] : value, Array.isArray(value) ? schema.items : schema);
  }
  assert.deepEqual(looked.concat('engine.batches').filter((path, i, all) => all.indexOf(path) === i).sort(), Object.keys(told).sort()); // no batches: no model
  const health = /^`GET \/health`[^]*/m.exec(section)[0];
  for (const name of Object.keys(await server.health())) {
    assert.ok(health.includes(`\`${name}\``), `api.md: health ${name}`);
    assert.ok(schemas.Health.required.includes(name), `openapi.json: health ${name}`);
  }
});

serverTest('the pages need nothing from outside', {}, async (server) => {
  for (const path of ['/', '/docs', '/dashboard']) {
    const response = await server.get(path);
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
    const html = await response.text();
    assert.match(html, /^<!doctype html>/i);
    assert.doesNotMatch(html, /(src|href)="?(https?:)?\/\//, 'an outside resource');
    assert.doesNotMatch(html, /@VERSION@/);
    assert.match(html, /name="viewport"/);
    assert.match(html, /prefers-color-scheme|color-scheme/);
  }
});

serverTest('other clients, as they ask', {}, async (server) => {
  // base URLs are written in many ways, and clients put a path behind them
  const paths = ['/v1/audio/speech', '/audio/speech', '//v1//audio/speech', '/v1/audio/speech/'];
  for (const path of paths)
    assert.ok(seconds(await bytesOf(await server.post(path, { input: sentence, voice: 'alloy', response_format: 'wav' })), 'wav') > 2, path);
  for (const path of ['/v1/audio/speechx', '/audio', '/speech', '/v2/audio/speech', '/audio/speech/x'])
    await failure(await server.post(path, { input: 'Hi.' }), 404, 'not_found');
  // Open WebUI: what a user may write as its base, a payload of its own, no key for its lists
  for (const base of ['/v1', '/v1/', '']) {
    const { voices } = await (await server.get(`${base}/audio/voices`)).json();
    assert.ok(voices.every(({ id, name }) => typeof id === 'string' && typeof name === 'string'));
    assert.ok((await (await server.get(`${base}/audio/models`)).json()).models.every(({ id }) => typeof id === 'string'));
    const speech = await server.post(`${base}/audio/speech`, { model: 'tts-1', input: 'Hi.', voice: voices[0].id },
      { headers: { Authorization: 'Bearer ', 'X-OpenWebUI-User-Name': 'x%20y' } });
    assert.equal(speech.headers.get('content-type'), 'audio/mpeg');
  }
  // SillyTavern, its TTS WebUI provider, Home Assistant, with their own fields
  const more = { chunked: true, params: { temperature: 0.8 }, stream: false, seed: -1, device: 'auto', extra_body: {}, instructions: 'Whisper.' };
  for (const body of [{ input: 'Hi.', response_format: 'mp3', voice: 'alloy', speed: 1, model: 'tts-1' },
    { input: 'Hi.', response_format: 'wav', voice: '', speed: 1.05, model: 'chatterbox', ...more }])
    assert.equal((await server.post('/v1/audio/speech/', body, { headers: { Authorization: 'Bearer ' } })).status, 200);
  assert.equal((await (await server.get('/models')).json()).object, 'list');
  assert.equal((await (await server.get('//v1//models//tts-1')).json()).id, 'tts-1');
  assert.match(await (await server.get('/metrics')).text(), /http_requests_total\{route="\/v1\/models\/",status="200"\} 1/);
});

// ---- Monitoring ----

/** Parses Prometheus' text format 0.0.4, strictly: { 'name{label="value",...}': number } and the families. */
function prometheus(text) {
  const families = new Map(), samples = new Map();
  let family = null;
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][\w:]*) (\S.*)$/.exec(line), type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)$/.exec(line);
    if (help) {
      assert.ok(!families.has(help[1]), `${help[1]} comes twice`);
      families.set(help[1], null);
      family = help[1];
    } else if (type) {
      assert.equal(type[1], family, line);
      families.set(family, type[2]);
    } else {
      const sample = /^([a-zA-Z_:][\w:]*)(\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*\})? (NaN|[+-]Inf|[-+.e\d]+)$/.exec(line);
      assert.ok(sample, `no sample: ${line}`);
      const kind = families.get(family);
      const suffixes = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      assert.ok(suffixes.some((suffix) => sample[1] === family + suffix), `${sample[1]} stands among ${family}`);
      assert.ok(kind !== 'counter' || family.endsWith('_total'), `a counter's name: ${family}`);
      const key = sample[1] + (sample[2] ?? '');
      assert.ok(!samples.has(key), `${key} comes twice`);
      samples.set(key, Number(sample[3].replace('Inf', 'Infinity')));
    }
  }
  return { families, samples };
}

serverTest('/metrics and /stats count what happens', { max_text_characters: 1000, 'engine.threads': 2 }, async (server) => {
  const scrape = async () => {
    const response = await server.get('/metrics');
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    return prometheus(await response.text());
  };
  const before = await scrape();
  assert.equal(before.samples.get('litetts_audio_seconds_total'), 0);
  assert.equal(before.samples.get('litetts_target_state{target="rtf",window="1m",state="unknown"}'), 1);
  let audio = 0;
  for (let i = 0; i < 3; i++) audio += (await bytesOf(await server.speak({ input: sentence, response_format: 'pcm' }))).length / 48000;
  await (await server.speak({ voice: 'nobody' })).text();
  await (await server.speak({ input: 'x'.repeat(2000) })).text();
  await (await server.get('/nothing/"quoted"')).text();
  const { families, samples } = await until(async () => {
    const found = await scrape();
    const count = (labels) => found.samples.get(`litetts_http_requests_total{${labels}}`);
    return count('route="other",status="404"') === 1 && count('route="/v1/audio/speech",status="400"') === 2 &&
      count('route="/v1/audio/speech",status="200"') === 3 && found;
  }, 'all requests were counted');
  const at = (name) => { assert.ok(samples.has(name), name); return samples.get(name); };
  for (const [name, type] of families) assert.ok(type, `${name} has no type`);
  assert.equal(at('litetts_http_requests_total{route="/v1/audio/speech",status="200"}'), 3);
  assert.equal(at('litetts_http_requests_total{route="/v1/audio/speech",status="400"}'), 2);
  assert.equal(at('litetts_errors_total{code="voice_not_found"}'), 1);
  assert.equal(at('litetts_errors_total{code="string_above_max_length"}'), 1);
  assert.equal(at('litetts_speech_requests_total'), 3);
  assert.equal(at('litetts_speech_ends_total{status="ok"}'), 3);
  assert.equal(at('litetts_speech_ends_total{status="internal"}'), 0);
  assert.equal(at('litetts_characters_total'), 3 * sentence.length);
  assert.ok(Math.abs(at('litetts_audio_seconds_total') - audio) < 0.01);
  assert.ok(at('litetts_stage_seconds_total{stage="speech"}') > 0);
  assert.equal(at('litetts_first_audio_seconds_count'), 3);
  assert.equal(at('litetts_first_audio_seconds_bucket{le="+Inf"}'), 3);
  assert.ok(at('litetts_first_audio_seconds_sum') > 0);
  let least = 0;
  for (const [name, value] of samples) if (name.startsWith('litetts_first_audio_seconds_bucket')) { assert.ok(value >= least, name); least = value; }
  assert.ok(at('litetts_memory_resident_bytes') > 1e6);
  assert.equal(at('litetts_target{target="rtf"}'), 1);
  assert.ok([...samples.keys()].some((name) => /^litetts_info\{version="\d+\.\d+\.\d+",isa="none",model="flite [\d.]+",voice="kal16",weights=""\}$/.test(name)));
  for (const target of ['rtf', 'success_rate', 'first_audio_ms'])
    for (const window of ['1m', '1h'])
      assert.equal(at(`litetts_target_state{target="${target}",window="${window}",state="unknown"}`), 0, target);

  assert.equal(at('litetts_chunks_total'), 3);
  assert.equal(at('litetts_chunks_cached_total'), 2);
  assert.equal(at('litetts_cache_hits_total{level="memory",kind="encoded"}'), 2);
  assert.equal(at('litetts_cache_misses_total{level="memory",kind="encoded"}'), 1);
  assert.equal(at('litetts_cache_misses_total{level="memory",kind="audio"}'), 1);
  assert.equal([...samples].filter(([name]) => name.startsWith('litetts_batch_chunks_total{backend="flite"')).reduce((sum, [, n]) => sum + n, 0), 1);
  assert.ok(at('litetts_memory_bytes{holder="cache"}') > 10_000);

  const stats = await (await server.get('/stats')).json();
  assert.deepEqual(stats.optimisations, { isa: stats.server.isa, weights: '', threads: 2, pinned: false, batching: false, caches: ['memory'] });
  assert.equal(at('litetts_threads'), 2);
  assert.equal(at('litetts_batching'), 0); // the embedded voices speak one utterance at a time
  assert.equal(stats.requests.by_route['/v1/audio/speech'], 5);
  assert.equal(stats.requests.errors.voice_not_found, 1);
  assert.equal(stats.minute.requests, 3); // what the client got wrong does not count
  assert.equal(stats.minute.failed, 0);
  assert.equal(stats.seconds.requests.reduce((a, b) => a + b), 3);
  assert.ok(stats.minute.rtf > 0 && stats.minute.first_audio_p95_ms > 0);
  assert.equal(stats.targets.find((target) => target.name === 'success_rate').hour.state, 'met');
});

serverTest('litetts top shows the same', { api_key: 'secret' }, async (server) => {
  const headers = { Authorization: 'Bearer secret' };
  await bytesOf(await server.speak({}, { headers }));
  await (await server.speak({ voice: 'nobody' }, { headers })).text();
  const top = (...args) => spawnSync(program, ['top', '--url', `${server.url}/`, ...args], { encoding: 'utf8' });
  const { status, stdout, stderr } = await until(() => {
    const done = top('--once', '--api-key', 'secret, other');
    return /voice_not_found/.test(done.stdout) && / 1 in flight, .* last minute 1, /.test(done.stdout) && done;
  }, 'top shows both requests');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^LiteTTS \d+\.\d+\.\d+ {3}flite [\d.]+ on \w+ {3}voice kal16 {3}up /);
  assert.match(stdout, /^success_rate +>= 99\.00 % +100\.00 % +met +100\.00 % +met$/m);
  assert.match(stdout, /^In force +\w+, \d+ threads?, cache in memory$/m);
  assert.match(stdout, /^Requests +1 in flight, .*last minute 1, 0 failed$/m);
  assert.match(stdout, /^Errors +voice_not_found 1$/m);
  assert.match(stdout, /^Requests .*█.*\| max 1$/m);
  assert.doesNotMatch(stdout, /\x1b/);
  assert.equal(JSON.parse(top('--json', '--api-key', 'secret').stdout).minute.requests, 1);
  assert.match(top('--once').stderr, /asks for a key/);
  assert.equal(top('--once').status, 1);
  assert.match(spawnSync(program, ['top', '--once', '--url', 'http://127.0.0.1:1'], { encoding: 'utf8' }).stderr, /cannot reach http:\/\/127.0.0.1:1\/stats/);
  assert.match(spawnSync(program, ['top', '--once', '--url', 'file:///etc/passwd'], { encoding: 'utf8' }).stderr, /cannot reach/);
  const env = { ...process.env, LITETTS_SERVER_PORT: '1', LITETTS_SERVER_TLS_CERTIFICATE: 'x.pem' };
  assert.match(spawnSync(program, ['top', '--once'], { env, encoding: 'utf8' }).stderr, /cannot reach https:\/\/127.0.0.1:1\/stats/);
});

test('litetts top lets no server command the terminal', async () => {
  const evil = '\x1b]0;owned\x07\u009b2J\x7f\r\n\u202aé';
  const stats = JSON.stringify({
    server: { version: evil, model: evil, isa: evil, voice: evil, uptime_seconds: 1 }, optimisations: { isa: evil, weights: evil, threads: 1, caches: [evil, 7] },
    targets: [{ name: evil, unit: evil, wanted: 1, minute: { value: 1, state: evil }, hour: {} }], requests: { errors: { [evil]: 1 } },
  });
  const server = http.createServer((request, response) => response.end(stats)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  for (const how of ['--once', '--json']) {
    const { stdout } = await promisify(execFile)(program, ['top', how, '--url', `http://127.0.0.1:${server.address().port}`]);
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\x00-\x1f\x80-\x9f]/);
    if (how === '--once') assert.match(stdout, /^LiteTTS \?\]0;owned\?\?2J\?\?\?.é {3}/);
    else assert.deepEqual(JSON.parse(stdout), JSON.parse(stats));
  }
  server.close();
});

serverTest('targets that cannot be met are missed', { 'target.rtf': '0.000001', 'target.memory_bytes': '1000', 'target.first_audio_ms': '0' }, async (server) => {
  await bytesOf(await server.speak({}));
  const stats = await until(async () => {
    const now = await (await server.get('/stats')).json();
    return now.minute.requests === 1 && now;
  }, 'it was counted');
  const state = Object.fromEntries(stats.targets.map((target) => [target.name, [target.wanted, target.minute.state, target.hour.state]]));
  assert.deepEqual(state.rtf, [1e-6, 'missed', 'missed']);
  assert.deepEqual(state.memory_bytes, [1000, 'missed', 'missed']);
  assert.deepEqual(state.first_audio_ms, [null, 'unknown', 'unknown']);
});

// ---- HTTP ----

serverTest('methods, HEAD, OPTIONS and paths', {}, async (server) => {
  for (const path of ['/', '/docs', '/health', '/v1/models', '/v1/voices', '/openapi.json']) {
    const head = await server.get(path, { method: 'HEAD' });
    assert.equal(head.status, 200, path);
    assert.ok(Number(head.headers.get('content-length')) > 0);
    assert.equal((await head.text()).length, 0);
  }
  for (const [path, method, allow] of [['/v1/audio/speech', 'GET', 'POST, OPTIONS'], ['/v1/audio/speech', 'HEAD', 'POST, OPTIONS'],
    ['/v1/models', 'POST', 'GET, HEAD, OPTIONS'], ['/health', 'DELETE', 'GET, HEAD, OPTIONS'], ['/v1/models/x', 'BREW', 'GET, HEAD, OPTIONS']]) {
    const response = await server.get(path, { method });
    assert.equal(response.status, 405, `${method} ${path}`);
    assert.equal(response.headers.get('allow'), allow);
    await response.text();
  }
  for (const path of ['/v1/models/', '/v1/models/a/b', '/v1/audio', '//', '/%00', '/../etc/passwd', `/${'a'.repeat(8000)}`])
    assert.ok([404, 200].includes((await server.get(path)).status) && !(await (await server.get(path)).text()).includes('root:'), path);
  const options = await server.get('/v1/audio/speech', { method: 'OPTIONS' });
  assert.equal(options.status, 204);
  assert.equal(options.headers.get('allow'), 'POST, OPTIONS');
});

serverTest('browsers from anywhere by default', {}, async (server) => {
  const response = await server.get('/health', { headers: { Origin: 'https://example.org' } });
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
  const preflight = await server.get('/v1/audio/speech', { method: 'OPTIONS', headers: { Origin: 'https://example.org',
    'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization,content-type,x-stainless-os' } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST, OPTIONS');
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'authorization,content-type,x-stainless-os');
  const error = await server.speak({ input: '' }, { headers: { Origin: 'https://example.org' } });
  assert.equal(error.headers.get('access-control-allow-origin'), '*');
  assert.match(error.headers.get('access-control-expose-headers'), /x-request-id/);
});

serverTest('browsers from the listed origins only', { cors_origins: 'https://a.example https://b.example' }, async (server) => {
  const allowed = async (origin) => {
    const response = await server.get('/health', { headers: { Origin: origin } });
    assert.equal(response.headers.get('vary'), 'Origin');
    return response.headers.get('access-control-allow-origin');
  };
  assert.equal(await allowed('https://b.example'), 'https://b.example');
  assert.equal(await allowed('https://b.exampl'), null);
  assert.equal(await allowed('https://evil.example'), null);
});

serverTest('API keys', { api_key: 'first, second-key' }, async (server) => {
  for (const key of ['first', 'second-key']) {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: key, maxRetries: 0 });
    assert.equal((await client.models.list()).data.length, 4);
  }
  for (const given of [undefined, 'Bearer', 'Bearer ', 'Bearer firs', 'Bearer firstt', 'Bearer first, second-key', 'Basic first', `Bearer ${'first'.repeat(100)}`]) {
    const response = await server.get('/v1/models', given === undefined ? {} : { headers: { Authorization: given } });
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="litetts"');
    await failure(response, 401, 'invalid_api_key');
  }
  for (const path of ['/v1/audio/speech', '/audio/speech', '//v1//audio/speech/', '/dev/captioned_speech'])
    await failure(await server.post(path, { input: 'Hi.' }), 401, 'invalid_api_key');
  for (const path of ['/', '/health', '/docs', '/openapi.json', '/v1/audio/voices', '/v1/audio/models']) assert.equal((await server.get(path)).status, 200);
  assert.equal((await server.get('/v1/audio/speech', { method: 'OPTIONS' })).status, 204);
});

serverTest('request ids and log lines', { 'log.format': 'json' }, async (server) => {
  const own = await server.speak({ input: 'Do not log this.', voice: 'slt', response_format: 'wav' }, { headers: { 'x-request-id': 'mine-1.2:3' } });
  assert.equal(own.headers.get('x-request-id'), 'mine-1.2:3');
  const size = (await bytesOf(own)).length;
  for (const bad of ['has space', 'a=b', 'x'.repeat(200), '"']) {
    const response = await server.get('/health?key=hidden', { headers: { 'x-request-id': bad } });
    assert.match(response.headers.get('x-request-id'), /^req_[0-9a-f]{24}$/);
  }
  await server.speak({ voice: 'a status=999 b\u2028c' });
  await server.stop();
  const lines = server.log.trim().split('\n').map((line) => JSON.parse(line));
  const line = lines.find((l) => l.request_id === 'mine-1.2:3');
  assert.deepEqual([line.level, line.message, line.method, line.path, line.status, line.bytes, line.voice, line.format, line.end, line.client],
    ['info', 'request', 'POST', '/v1/audio/speech', '200', String(size), 'slt', 'wav', 'complete', '127.0.0.1']);
  assert.ok(Number(line.seconds) > 0 && Number(line.audio) > 0.5);
  assert.doesNotMatch(server.log, /Do not log|hidden|status=999/);
});

// ---- Bad input ----

serverTest('bad requests are told what is wrong', { max_text_characters: 1000 }, async (server) => {
  const cases = [
    ['', 'invalid_json'], ['{', 'invalid_json'], ['\0\0\0', 'invalid_json'], ['{"input":"a\0b"}', 'invalid_json'],
    ['{"input":"a\\u0000b"}', 'invalid_json'], ['{"input":"\\ud800"}', 'invalid_json'], ['{"input":"\\udc00\\ud800"}', 'invalid_json'],
    ['{"input":"x","speed":NaN}', 'invalid_json'], ['{"input":"x","speed":1e999}', 'invalid_json'],
    ['['.repeat(100000), 'invalid_json'], ['{"a":'.repeat(100000), 'invalid_json'], ['"text"', 'invalid_json'], ['[]', 'invalid_type'],
    [{}, 'missing_required_parameter', 'input'], [{ input: null }, 'missing_required_parameter', 'input'],
    [{ input: '' }, 'empty_string', 'input'], [{ input: ' \n\t ' }, 'empty_string', 'input'],
    [{ input: 7 }, 'invalid_type', 'input'], [{ input: ['a'] }, 'invalid_type', 'input'], [{ input: { a: 1 } }, 'invalid_type', 'input'],
    [{ input: 'é'.repeat(1001) }, 'string_above_max_length', 'input'],
    [{ input: 'x', model: 3 }, 'invalid_type', 'model'],
    [{ input: 'x', voice: 3 }, 'invalid_type', 'voice'], [{ input: 'x', voice: {} }, 'invalid_type', 'voice'],
    [{ input: 'x', voice: 'nobody' }, 'voice_not_found', 'voice'], [{ input: 'x', voice: 'slt(1)+' }, 'voice_not_found', 'voice'],
    [{ input: 'x', voice: 'v'.repeat(100000) }, 'invalid_value', 'voice'],
    [{ input: 'x', response_format: 'mid' }, 'invalid_value', 'response_format'], [{ input: 'x', response_format: 'a.mp3' }, 'invalid_value', 'response_format'],
    [{ input: 'x', response_format: 1 }, 'invalid_type', 'response_format'],
    [{ input: 'x', speed: 0 }, 'decimal_below_min_value', 'speed'], [{ input: 'x', speed: -1 }, 'decimal_below_min_value', 'speed'],
    [{ input: 'x', speed: 1e9 }, 'decimal_above_max_value', 'speed'], [{ input: 'x', speed: '1' }, 'invalid_type', 'speed'],
    [{ input: 'x', volume_multiplier: 5 }, 'decimal_above_max_value', 'volume_multiplier'],
    [{ input: 'x', stream: 'yes' }, 'invalid_type', 'stream'], [{ input: 'x', stream_format: 'ws' }, 'invalid_value', 'stream_format'],
    [{ input: 'x', seed: 1.5 }, 'invalid_type', 'seed'], [{ input: 'x', ssml: 1 }, 'invalid_type', 'ssml'],
  ];
  for (const [body, code, param] of cases) await failure(await server.post('/v1/audio/speech', body), 400, code, param ?? null);
});

serverTest('text that cannot be spoken is an error of its own, not a header and a cut', {}, async (server) => {
  for (const format of Object.keys(formats))
    for (const stream_format of ['audio', 'sse'])
      for (const input of ['<speak>', `<speak>${'<p>'.repeat(1000)}`])
        await failure(await server.speak({ input, ssml: true, response_format: format, stream_format }), 400, 'invalid_value', 'input');
});

serverTest('invalid UTF-8, overlong forms and raw surrogates', {}, async (server) => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]]) {
    const body = Buffer.concat([Buffer.from('{"input":"a'), Buffer.from(bytes), Buffer.from('"}')]);
    const response = await fetch(`${server.url}/v1/audio/speech`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
    await failure(response, 400, 'invalid_json');
  }
});

serverTest('content types', {}, async (server) => {
  for (const type of ['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;x=y'])
    assert.equal((await server.speak({ input: 'Hi.' }, { headers: { 'Content-Type': type } })).status, 200, type);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', ';'])
    await failure(await server.speak({ input: 'Hi.' }, { headers: { 'Content-Type': type } }), 415, 'unsupported_media_type');
  assert.match(await server.raw(`POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 15\r\n\r\n{"input":"Hi."}`), /^HTTP\/1.1 200 /);
});

serverTest('10 MB are refused, declared, chunked or announced', {}, async (server) => {
  const body = JSON.stringify({ input: 'a'.repeat(10e6) });
  await failure(await server.post('/v1/audio/speech', body), 413, 'request_too_large');
  const chunks = new ReadableStream({ start(c) { for (let i = 0; i < body.length; i += 1e5) c.enqueue(Buffer.from(body.slice(i, i + 1e5))); c.close(); } });
  await failure(await fetch(`${server.url}/v1/audio/speech`, { method: 'POST', body: chunks, duplex: 'half', headers: { 'Content-Type': 'application/json' } }), 413, 'request_too_large');
  const announced = await server.raw('POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 10000000\r\n\r\n');
  assert.match(announced, /^HTTP\/1.1 413 /); // at once, without asking for the body
  assert.ok(slowness > 1 || server.memory('VmHWM') < 64, `${server.memory('VmHWM')} MiB`);
});

serverTest('malformed HTTP', { read_timeout_seconds: 1 }, async (server) => {
  for (const bytes of ['\r\n\r\n\0\x01\x02 nonsense\r\n\r\n', 'GET\r\n\r\n', 'POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
    'POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n', 'POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100000)}\r\n\r\n`, `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(20000)}\r\n`, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']) {
    const socket = await server.socket();
    socket.end(bytes);
    await socket.over;
    assert.ok(socket.received === '' || /^HTTP\/1.1 [45]/.test(socket.received), socket.received.slice(0, 80));
  }
  assert.equal((await server.health()).status, 'healthy');
});

serverTest('half a request, then silence', { read_timeout_seconds: 0.4 }, async (server) => {
  const begun = Date.now();
  const cases = [['', /^$/], ['POST /v1/au', /^(HTTP\/1.1 408 [^]*)?$/], ['GET /health HTTP/1.1\r\nHos', /^HTTP\/1.1 408 [^]*request_timeout/],
    [speechRequest({ input: 'Hello.' }).slice(0, -4), /^HTTP\/1.1 408 [^]*request_timeout/]];
  await Promise.all(cases.map(async ([bytes, expected]) => assert.match(await server.raw(bytes), expected)));
  assert.ok(Date.now() - begun < 3000 * slowness);
  // a byte now and then does not extend the time
  const socket = await server.socket();
  const drip = setInterval(() => socket.write('x'), 50);
  socket.write('POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n');
  await socket.over;
  clearInterval(drip);
  assert.match(socket.received, /^HTTP\/1.1 408 /);
  await until(() => / status=408 /.test(server.log), 'the log tells it');
});

serverTest('requests in a row on one connection', {}, async (server) => {
  const socket = await server.socket();
  socket.write(speechRequest({ input: 'One.', response_format: 'wav' }) + 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n' +
    speechRequest({ input: '' }) + 'GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await socket.over;
  assert.deepEqual([...socket.received.matchAll(/HTTP\/1\.1 (\d+) /g)].map((m) => m[1]), ['200', '200', '400', '200']);
});

// ---- Load and clients that misbehave ----

serverTest('200 connections at once', {}, async (server) => {
  const idle = await Promise.all(Array.from({ length: 200 }, () => server.socket()));
  await server.healthUntil((health) => health.connections > 200, 'all are connected');
  const before = server.memory();
  const answers = await Promise.all(Array.from({ length: 200 }, () => server.speak({ input: 'Hi.', response_format: 'wav' }).then(async (r) => [r.status, (await bytesOf(r)).length])));
  assert.deepEqual(new Set(answers.map(String)), new Set([String(answers[0])]));
  assert.equal(answers[0][0], 200);
  assert.ok(slowness > 1 || before < 64, `${before} MiB with 200 idle connections`);
  for (const socket of idle) socket.destroy();
});

serverTest('16 long requests at once stay small', {}, async (server) => {
  const spoken = await Promise.all(Array.from({ length: 16 }, async () => (await bytesOf(await server.speak({ input: long.slice(0, 1500), response_format: 'mp3' }))).length));
  assert.equal(new Set(spoken).size, 1);
  assert.ok(slowness > 1 || server.memory('VmHWM') < 96, `${server.memory('VmHWM')} MiB`);
});

serverTest('1,000 requests leave nothing behind', {}, async (server) => {
  const round = async (count) => {
    for (let i = 0; i < count; i += 20)
      await Promise.all(Array.from({ length: 20 }, async (_, k) => {
        const body = k % 5 === 0 ? { input: 'x', voice: 'nobody' } : { input: 'Hi.', stream: k % 2 === 0, response_format: Object.keys(formats)[k % 6] };
        const controller = new AbortController();
        const response = server.speak(body, { signal: controller.signal });
        if (k % 7 === 0) setTimeout(() => controller.abort(), 2);
        await response.then((r) => r.arrayBuffer()).catch(() => {});
      }));
  };
  await round(400);
  const before = server.memory();
  await round(600);
  await server.healthUntil((h) => h.speaking + h.queued + h.waiting_for_clients === 0, 'all work ended');
  const after = server.memory();
  assert.ok(slowness > 1 || after < before + 6, `${before} MiB, then ${after} MiB`);
});

serverTest('a client that vanishes in mid-stream stops its work', { max_concurrent: 1 }, async (server) => {
  const socket = await server.socket();
  socket.write(speechRequest({ input: long, response_format: 'mp3' }, 'x-request-id: leaves\r\n'));
  await until(() => socket.received.length > 20000, 'audio comes');
  socket.destroy();
  await server.healthUntil((health) => health.speaking === 0, 'its work ended', 2);
  const line = await until(() => /request method=.* id=leaves/.exec(server.log)?.[0], 'the log tells it');
  assert.match(line, / speech=cancelled end=cut /);
  assert.ok(Number(/ audio=([\d.]+)/.exec(line)[1]) < 1800, line);
});

serverTest('a client of captions that vanishes, or does not read', { max_concurrent: 1, write_timeout_seconds: 3 }, async (server) => {
  const ask = async (body, id) => {
    const socket = await server.socket();
    socket.write(speechRequest({ input: long, response_format: 'pcm', ...body }, `x-request-id: ${id}\r\n`, '/dev/captioned_speech'));
    return socket;
  };
  const ended = (id) => until(() => new RegExp(` speech=cancelled end=cut .* id=${id}`).test(server.log), `${id} has ended`, 10);
  const leaves = await ask({}, 'leaves');
  await until(() => leaves.received.length > 20000, 'lines come');
  leaves.destroy();
  await ended('leaves');
  const early = await ask({ stream: false }, 'early');
  await server.healthUntil((health) => health.speaking === 1, 'it is spoken');
  early.destroy();
  await ended('early');
  const reads = await ask({}, 'reads-not');
  reads.pause();
  await server.healthUntil((health) => health.waiting_for_clients === 1 && health.speaking === 0, 'its worker waits');
  assert.equal((await server.speak({})).status, 200);
  await ended('reads-not');
  reads.destroy();
  await server.healthUntil((health) => health.speaking + health.waiting_for_clients === 0, 'all is over');
});

serverTest('a client that vanishes before its first byte stops its work', { max_concurrent: 1 }, async (server) => {
  const first = await server.socket();
  first.write(speechRequest({ input: long, stream: false }, 'x-request-id: first\r\n'));
  await server.healthUntil((health) => health.speaking === 1, 'the first is spoken');
  const second = await server.socket();
  second.write(speechRequest({ input: 'Me too.' }));
  await server.healthUntil((health) => health.queued === 1, 'the second waits');
  second.destroy();
  await server.healthUntil((health) => health.queued === 0, 'it left the queue', 2);
  first.destroy();
  await server.healthUntil((health) => health.speaking === 0, 'its work ended', 2);
  await until(() => / speech=cancelled end=cut .* id=first/.test(server.log), 'the log tells it');
  assert.equal((await server.speak({})).status, 200);
});

serverTest('a client that does not read lends its place, then is cut', { max_concurrent: 1, write_timeout_seconds: 3 }, async (server) => {
  const socket = await server.stuck();
  await server.healthUntil((health) => health.waiting_for_clients === 1 && health.speaking === 0, 'its worker waits');
  assert.equal((await server.speak({})).status, 200);
  await server.healthUntil((health) => health.waiting_for_clients === 0, 'it was cut', 6);
  await until(() => / end=cut /.test(server.log), 'the log tells it');
  socket.destroy();
});

serverTest('a slow client gets all of it', { write_timeout_seconds: 3 }, async (server) => {
  const body = { input: long.slice(0, 4000), response_format: 'pcm' };
  const whole = (await bytesOf(await server.speak(body))).length;
  const response = await server.speak(body), begun = performance.now();
  let bytes = 0, taken = 0;
  for await (const part of response.body) {
    bytes += part.length;
    if (bytes > taken + whole / 50) {
      taken = bytes;
      await sleep(100);
    }
  }
  assert.equal(bytes, whole);
  assert.ok(performance.now() - begun > 3000, 'it took longer than the server waits for a client that takes nothing');
});

serverTest('more requests than places', { max_concurrent: 1, max_queue: 1 }, async (server) => {
  const sockets = [await server.stuck()];
  await server.healthUntil((health) => health.waiting_for_clients === 1, 'one waits for its client');
  sockets.push(await server.stuck());
  await server.healthUntil((health) => health.waiting_for_clients === 2, 'two do');
  const response = await server.speak({});
  assert.ok(Number(response.headers.get('retry-after')) >= 1);
  const ready = await server.get('/health/ready');
  assert.equal(ready.status, 503);
  assert.deepEqual(await ready.json(), { status: 'busy' });
  assert.equal((await server.get('/health/live')).status, 200);
  assert.equal((await failure(response, 429, 'rate_limit_exceeded')).type, 'rate_limit_error');
  assert.equal((await server.get('/v1/models')).status, 200); // the rest still answers
  for (const socket of sockets) socket.destroy();
  await server.healthUntil((health) => health.waiting_for_clients === 0, 'both left');
  assert.equal((await server.get('/health/ready')).status, 200);
  assert.equal((await server.speak({})).status, 200);
});

serverTest('the wait for its turn is part of the time to the first sound', { max_concurrent: 1 }, async (server) => {
  await Promise.all(Array.from({ length: 40 }, async (_, i) => bytesOf(await server.speak({ input: `${sentence} It is number ${i}.` }))));
  const told = await until(() => {
    const found = [...server.log.matchAll(/ seconds=([\d.]+) .* first_audio=([\d.]+) /g)].map((match) => [Number(match[1]), Number(match[2])]);
    return found.length === 40 && found;
  }, 'the log tells of all');
  const [whole, first] = [0, 1].map((column) => told.reduce((sum, row) => sum + row[column], 0));
  assert.ok(first > 0.5 * whole && first <= whole + 40 * 0.001, `${first} s to the first sounds, ${whole} s in all`); // without the wait some 2 %
  const late = told.map((row) => 1000 * row[1]).sort((a, b) => a - b)[36]; // of 40, so the quantile lies above
  const { minute } = await (await server.get('/stats')).json();
  assert.ok(minute.first_audio_p95_ms > 0.3 * Math.min(late, 5000), `${minute.first_audio_p95_ms} ms, and the log says ${late}`); // a histogram's estimate
});

// ---- Operations ----

serverTest('books leave a place to short replies', { max_concurrent: 4 }, async (server) => {
  let over = 0;
  const enough = new AbortController();
  const books = Array.from({ length: 8 }, async (_, i) => {
    const response = await server.speak({ input: `Book ${i}. ${long.repeat(3)}`, response_format: 'aac' }, { signal: enough.signal });
    for await (const part of response.body) assert.ok(part.length > 0);
    over++;
  });
  await server.healthUntil((health) => health.speaking >= 2 && health.speaking + health.queued + health.waiting_for_clients === 8, 'the books are there');
  for (let i = 0; i < 5; i++) {
    await bytesOf(await server.speak({ input: `A short reply, number ${i}.` }, { signal: AbortSignal.timeout(4000 * slowness) }));
    assert.equal(over, 0, 'a reply waited for a book'); // one takes minutes
  }
  enough.abort();
  await Promise.allSettled(books);
});

serverTest('each key has its own rate', { api_key: 'a, b', rate_limit: 3 }, async (server) => {
  const as = (key) => ({ headers: { Authorization: `Bearer ${key}` } });
  const begun = performance.now();
  for (let i = 0; i < 3; i++) assert.equal((await server.speak({}, as('a'))).status, 200);
  const response = await server.speak({}, as('a')), wait = Number(response.headers.get('retry-after'));
  assert.ok(wait <= 20 && wait > 19 - (performance.now() - begun) / 1000, `${wait} s`); // a place comes back 20 s after the first
  assert.equal((await failure(response, 429, 'rate_limit_exceeded')).type, 'rate_limit_error');
  assert.equal((await server.speak({}, as('b'))).status, 200);
  assert.equal((await server.speak({}, as('c'))).status, 401);
  assert.equal((await server.get('/v1/voices', as('a'))).status, 200); // asking costs nothing
  const stats = await until(async () => {
    const now = await (await server.get('/stats', as('a'))).json();
    return now.requests.by_route['/v1/audio/speech'] === 6 && now;
  }, 'all were counted');
  assert.equal(stats.minute.failed, 0); // it is no fault of the server's
});

test('SIGHUP reloads the configuration, under requests in flight', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-'));
  const file = join(folder, 'config.json');
  const write = (settings) => writeFileSync(file, JSON.stringify(settings));
  write({ server: { max_text_characters: 100000 }, voice: { speed: 1 } });
  const server = await Server.start({}, { more: { LITETTS_CONFIG: file } });
  const reload = async (pattern) => {
    const from = server.log.length;
    server.process.kill('SIGHUP');
    await until(() => pattern.test(server.log.slice(from)), `the log says ${pattern}`);
  };
  const body = { input: long.slice(0, 20000), response_format: 'pcm' };
  const response = await server.speak(body), reader = response.body.getReader();
  let bytes = (await reader.read()).value.length;

  write({ server: { max_text_characters: 10, api_key: 'new' } }); // the server's own settings
  await reload(/configuration reloaded engine=kept/);
  assert.equal((await server.speak({})).status, 401);
  await failure(await server.speak({}, { headers: { Authorization: 'Bearer new' } }), 400, 'string_above_max_length', 'input');

  writeFileSync(file, '{"server": {"prot": 1}}'); // a mistake changes nothing
  await reload(/the configuration stays as it was reason=.*server\.prot.*did you mean 'server\.port'/);
  assert.equal((await server.speak({})).status, 401);

  write({ server: { max_queue: 1 }, cache: { memory_bytes: 0 } }); // the engine's settings, and one of the start
  await reload(/configuration reloaded engine=opened anew[^]*a setting needs a restart setting=server\.max_queue/);
  assert.equal((await server.speak({})).status, 200);
  assert.equal((await (await server.get('/stats')).json()).engine.caches.find((cache) => cache.level === 'memory')?.limit_bytes ?? 0, 0);

  for (let part; !(part = await reader.read()).done;) bytes += part.value.length; // and the first goes on to its end
  assert.equal(bytes, (await bytesOf(await server.speak(body))).length);
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('SIGHUP keeps what a key has used of its rate, and tunes batches to the new target', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-'));
  const file = join(folder, 'config.json');
  const write = (api_key, target) => writeFileSync(file, JSON.stringify({ server: { api_key, rate_limit: 4 }, ...target }));
  write('b, a');
  const server = await Server.start({}, { more: { LITETTS_CONFIG: file } });
  const as = (key) => ({ headers: { Authorization: `Bearer ${key}` } });
  const wanted = async () => (await (await server.get('/stats', as('a'))).json()).engine.first_audio_wanted_ms;
  const times = async (key, most) => { // that it is let in
    let n = 0;
    while (n < most && (await server.speak({}, as(key))).status === 200) n++;
    return n;
  };
  assert.equal(await times('a', 3), 3);
  assert.equal(await wanted(), 1000);
  write('a, c', { target: { first_audio_ms: 250 } }); // another place in the list
  server.process.kill('SIGHUP');
  await until(() => /configuration reloaded engine=kept/.test(server.log), 'it is reloaded');
  assert.equal(await wanted(), 250);
  assert.equal(await times('c', 3), 3);
  assert.ok(await times('a', 4) < 4); // one is left, and one more comes back every 15 s
  assert.equal((await server.speak({}, as('b'))).status, 401);
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('a changed configuration file is put in force by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-'));
  const file = join(folder, 'config.json');
  const write = (settings) => writeFileSync(file, JSON.stringify(settings));
  write({ server: { reload: 'auto' } });
  const server = await Server.start({}, { more: { LITETTS_CONFIG: file } });
  const state = async () => (await (await server.get('/stats', { headers: { Authorization: 'Bearer new' } })).json()).server;
  assert.deepEqual([(await state()).reloads, (await state()).reload_error], [0, null]);
  const response = await server.speak({ input: long.slice(0, 20000), response_format: 'pcm' }), reader = response.body.getReader();
  let bytes = (await reader.read()).value.length;

  write({ server: { reload: 'auto', api_key: 'new' } });
  await until(async () => (await server.speak({})).status === 401, 'the key is asked for');
  writeFileSync(`${file}.new`, '{"server": {"reload": "auto", "prot": 1}}'); // replaced, as editors and Kubernetes do, by a bad one
  renameSync(`${file}.new`, file);
  await until(async () => (await state()).reload_failures === 1, 'the fault is noticed');
  assert.match((await state()).reload_error, /server\.prot.*did you mean 'server\.port'/);
  assert.equal((await server.speak({})).status, 401); // the old one is in force
  rmSync(file);
  await sleep(2500);
  assert.deepEqual([(await state()).reloads, (await state()).reload_failures], [1, 1]); // a file that is gone is no change

  write({ server: { reload: 'signal' } });
  await until(async () => (await state()).reloads === 2, 'the mended file is read');
  assert.equal((await state()).reload_error, null);
  assert.equal((await server.speak({})).status, 200);
  write({ server: { api_key: 'other' } });
  await sleep(2500);
  assert.equal((await server.speak({})).status, 200); // it said that it is to be asked
  for (let part; !(part = await reader.read()).done;) bytes += part.value.length;
  assert.ok(bytes > 1_000_000);
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('HTTPS', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-'));
  const certificate = join(folder, 'certificate.pem'), key = join(folder, 'key.pem');
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const server = await Server.start({ tls_certificate: certificate, tls_key: key, read_timeout_seconds: 1 });
  assert.match(server.log, /listening on https:/);
  const ask = (path, options = {}, body = '') => new Promise((resolve, reject) => {
    https.request(`https://127.0.0.1:${server.port}${path}`, { ca: readFileSync(certificate), ...options }, (response) => {
      const parts = [], protocol = response.socket.getProtocol();
      response.on('data', (part) => parts.push(part)).on('end', () => resolve({ status: response.statusCode, bytes: Buffer.concat(parts), tls: protocol }));
    }).on('error', reject).end(body);
  });
  assert.equal((await ask('/health')).status, 200);
  const post = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
  const speech = await ask('/v1/audio/speech', post, JSON.stringify({ input: long.slice(0, 8000), response_format: 'pcm' }));
  assert.equal(speech.status, 200);
  assert.ok(speech.bytes.length > 1e6 && speech.tls.startsWith('TLSv1.'));
  assert.equal((await ask('/v1/audio/speech', post, JSON.stringify({ input: 'Hello.', stream: false }))).status, 200);
  await assert.rejects(ask('/health', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }));
  const half = tls.connect({ port: server.port, host: '127.0.0.1', ca: readFileSync(certificate) });
  half.on('error', () => {});
  half.write('POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n');
  await new Promise((resolve) => half.on('close', resolve)); // cut at its deadline
  await assert.rejects(server.get('/health')); // plain HTTP on the same port
  await server.stop();
  await assert.rejects(Server.start({ tls_certificate: certificate }), /server\.tls_certificate and server\.tls_key go together/);
  await assert.rejects(Server.start({ tls_certificate: certificate, tls_key: certificate }), /belong together/);
  await assert.rejects(Server.start({ tls_certificate: certificate, tls_key: join(folder, 'none') }), /none.*No such file/);
  const empty = join(folder, 'empty.pem');
  writeFileSync(empty, '');
  await assert.rejects(Server.start({ tls_certificate: empty, tls_key: empty }), /empty\.pem' is empty/);
  rmSync(folder, { recursive: true });
});

/** Starts servers on one socket that they did not open, as systemd does, a server for each piece of shell to run `before`. */
async function activate(settings, ...before) {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.on('listening', resolve));
  const { port } = listener.address();
  const starting = before.map((first) => Server.start(settings,
    { command: ['sh', '-c', `${first} LISTEN_PID=$$ LISTEN_FDS=1 exec '${program}' serve`], extra: [listener._handle.fd] }));
  listener.close(); // each has its own copy
  return { port, starting };
}

/** Tells a server to end while it has an answer that nobody reads; returns the socket that keeps it. */
async function drain(server) {
  const held = await server.stuck({});
  await server.healthUntil((health) => health.waiting_for_clients === 1, 'an answer is under way');
  server.process.kill('SIGTERM');
  await until(() => /shutting down/.test(server.log), 'the signal was seen');
  return held;
}

/** A request on a connection of its own; fetch would use an open one again. */
const alone = speechRequest({ input: 'Hi.' }, 'Connection: close\r\n');

test('a socket that systemd opened', async () => {
  const { port, starting } = await activate({ port: 1, host: '192.0.2.1' }, '');
  const server = await starting[0];
  assert.equal(server.port, port);
  assert.equal((await server.speak({})).status, 200);
  await server.stop();
});

test('what systemd opened goes on listening for the next server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-')), go = join(folder, 'go');
  const { starting } = await activate({}, '', `until [ -e '${go}' ]; do sleep 0.05; done;`);
  const first = await starting[0], held = await drain(first);
  const between = first.raw(alone); // waits in the socket's queue
  writeFileSync(go, '');
  const second = await starting[1];
  assert.match(await between, /^HTTP\/1.1 200 /);
  held.destroy();
  assert.equal(await first.exited, 0);
  assert.match(await second.raw(alone), /^HTTP\/1.1 200 /);
  await second.stop();
  rmSync(folder, { recursive: true });
});

// ---- The end ----

serverTest('a port is free for the next server while the last one drains', {}, async (server) => {
  const held = await drain(server);
  const next = await Server.start({ port: server.port });
  assert.match(await next.raw(alone), /^HTTP\/1.1 200 /);
  held.destroy();
  assert.equal(await server.exited, 0);
  assert.match(await next.raw(alone), /^HTTP\/1.1 200 /);
  await next.stop();
});

serverTest('SIGTERM lets what is in flight finish', {}, async (server) => {
  const body = { input: long.slice(0, 8000), response_format: 'pcm' };
  const whole = (await bytesOf(await server.speak(body))).length;
  const idle = await server.socket();
  idle.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n'); // so that the server has accepted it
  await until(() => idle.received.includes('healthy'), 'the first answer');
  const ready = await server.socket(), notReady = await server.socket();
  for (const socket of [ready, notReady]) {
    socket.write('GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => socket.received.includes('ready'), 'its first answer');
  }
  const response = await server.speak(body); // its client has not read yet
  server.process.kill('SIGTERM');
  await until(() => /shutting down/.test(server.log), 'the signal was seen');
  idle.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n' + speechRequest({ input: 'Too late.' }));
  await until(() => /HTTP\/1.1 503 [^]*draining/.test(idle.received), 'the answer on the open connection');
  await assert.rejects(server.get('/health', { headers: { connection: 'close' } }));
  assert.match(ready.received, /200 OK[^]*"ready"/);
  ready.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => /200 OK[^]*"alive"/.test(ready.received), 'a draining server is alive');
  notReady.write('GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => /503 [^]*"draining"/.test(notReady.received), 'a draining server is not ready');
  assert.equal((await bytesOf(response)).length, whole);
  assert.equal(await server.exited, 0);
  assert.match(server.log, /stopped requests=/);
});

serverTest('the grace period ends', { grace_seconds: 0.3 }, async (server) => {
  const socket = await server.stuck();
  await server.healthUntil((health) => health.waiting_for_clients === 1, 'a client that does not read');
  server.process.kill('SIGINT');
  assert.equal(await server.exited, 0);
  assert.match(server.log, /grace period is over/);
  socket.destroy();
});

serverTest('a second signal ends at once', {}, async (server) => {
  const socket = await server.stuck();
  await server.healthUntil((health) => health.waiting_for_clients === 1, 'a client that does not read');
  server.process.kill('SIGTERM');
  await until(() => /shutting down/.test(server.log), 'the first was seen');
  server.process.kill('SIGTERM');
  assert.equal(await server.exited, 143);
  socket.destroy();
});

test('a lexicon that cannot be read is an error at the start, and on reload', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'litetts-'));
  const lexicon = join(folder, 'words.txt'), file = join(folder, 'config.json');
  await assert.rejects(Server.start({ 'text.lexicon': lexicon }), /text\.lexicon: .*words\.txt.*No such file/);
  writeFileSync(lexicon, 'litetts\n');
  await assert.rejects(Server.start({ 'text.lexicon': lexicon }), /text\.lexicon: .*words\.txt' line 1 has a word but no pronunciation/);
  writeFileSync(file, '{}');
  const server = await Server.start({}, { more: { LITETTS_CONFIG: file } });
  writeFileSync(file, JSON.stringify({ text: { lexicon } }));
  server.process.kill('SIGHUP');
  await until(() => /the configuration stays as it was reason=.*text\.lexicon: .*line 1/.test(server.log), 'the reload is refused');
  assert.equal((await server.speak({})).status, 200);
  await server.stop();
  rmSync(folder, { recursive: true });
});

test('a port that is taken is an error with a sentence', async () => {
  const server = await Server.start();
  await assert.rejects(Server.start({ port: server.port }), new RegExp(`cannot listen on 127.0.0.1 port ${server.port}: Address already in use`));
  await server.stop();
});
