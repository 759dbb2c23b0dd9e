// gpl.test.mjs: the whole GNU GPL through the command and through the server, as a user would have a book read.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'node:test';
import OpenAI from 'openai';
import { decodedSeconds, gpl, plainSentences, recognise, sample, wordErrors } from './speech.mjs';

const program = process.env.LITETTS_TEST_PROGRAM;
const source = '/usr/share/common-licenses/GPL-3';
const folder = mkdtempSync(join(tmpdir(), 'litetts-gpl-'));
const env = { ...process.env, LITETTS_ENGINE_DATA_FOLDER: join(folder, 'none') };
test.after(() => rmSync(folder, { recursive: true }));

const plausible = (path) => {
  const minutes = decodedSeconds(path) / 60;
  assert.ok(minutes > 35 && minutes < 50, `${minutes.toFixed(1)} minutes`);
};

for (const format of ['mp3', 'opus']) {
  test(`the command speaks all of it to ${format}`, () => {
    const out = join(folder, `gpl.${format}`);
    execFileSync(program, ['say', '-f', source, '-o', out], { env });
    plausible(out);
  });
}

test('the openai client streams all of it from the server', async () => {
  const server = spawn(program, ['serve', '--port', '0'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const url = await new Promise((resolve, reject) => {
      let log = '';
      server.stderr.on('data', (data) => {
        log += data;
        const found = /http:\/\/[\d.]+:\d+/.exec(log);
        if (found) resolve(found[0]);
      });
      server.on('exit', () => reject(new Error(`the server ended: ${log}`)));
    });
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
    await Promise.all(['mp3', 'opus'].map(async (format) => {
      const out = join(folder, `streamed.${format}`);
      const response = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: gpl(), response_format: format });
      await pipeline(Readable.fromWeb(response.body), createWriteStream(out));
      plausible(out);
    }));
  } finally {
    server.removeAllListeners('exit');
    server.kill();
  }
});

test('a dozen of its sentences are understood', () => {
  const seed = Number(process.env.LITETTS_TEST_SEED ?? 1);
  let errors = 0, words = 0;
  for (const sentence of sample(plainSentences(gpl()), 12, seed)) {
    const out = join(folder, 'sentence.wav');
    execFileSync(program, ['say', '-o', out, sentence], { env });
    const heard = wordErrors(sentence, recognise(out));
    errors += heard.errors;
    words += heard.words;
  }
  const rate = errors / words;
  console.log(`# word error rate ${rate.toFixed(2)} (LITETTS_TEST_SEED=${seed})`);
  assert.ok(rate <= 0.5, `word error rate ${rate.toFixed(2)} with LITETTS_TEST_SEED=${seed}`);
});
