// kokoro.test.mjs: the neural voices as a user has them, on the small reference model with published voices: every way to name a voice,
// phonemes, word times, and the same bytes whatever the threads and the neighbours. How right the sound is, tests/golden checks.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formats, program, Server } from './server.mjs';

const shared = process.env.LITETTS_TEST_SHARED ?? '../shared', tiny = join(shared, 'reference/kokoro-tiny');
const skip = existsSync(tiny) ? false : 'the reference data is absent';

let folder;
const at = (name) => join(folder, name);
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LITETTS_')));

/** Runs the program: { status, stdout, stderr }. */
function run(args) {
  const done = spawnSync(program, args, { env: { ...clean, HOME: folder, LITETTS_ENGINE_DATA_FOLDER: folder }, maxBuffer: 1 << 28, input: '' });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr.toString() };
}

/** Standard output of a command that succeeds in silence. */
function ok(args) {
  const { status, stdout, stderr } = run(args);
  assert.equal(stderr, '', args.join(' '));
  assert.equal(status, 0);
  return stdout;
}

const text = 'It cost two pounds, she said.';
const said = (voice, more = [text]) => ok(['say', '--format', 'pcm', '-v', voice, ...more]);
const startServer = () => Server.start({}, { more: { LITETTS_ENGINE_DATA_FOLDER: folder, LITETTS_VOICE_DEFAULT_VOICE: 'af_heart' } });
const bytesOf = async (answer) => Buffer.from(await (await answer).arrayBuffer());

before(() => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), 'litetts-kokoro-'));
  ok(['import', '-q', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'), '--voices', join(shared, 'data/kokoro/voices'),
    '-o', at('kokoro.gguf')]);
});
after(() => skip || rmSync(folder, { recursive: true }));

describe('Kokoro', { skip, concurrency: false }, () => {
  test('voices are named alike in the command and at the server', async () => {
    const server = await startServer(), plain = said('af_bella'), mixed = said('af_bella(2)+af_sky(1)'), even = said('af_bella+af_sky');
    assert.ok(plain.length > 24000 && !plain.equals(mixed) && !mixed.equals(even) && !plain.equals(even));
    const same = [
      [plain, ['af_bella', 'AF_Bella', 'coral', 'af_bella(7)', 'af_bella+af_bella(3)']],
      [mixed, ['af_bella(2)+af_sky(1)', 'af_sky+af_bella(2.0)', ' AF_BELLA ( 20 ) + af_sky( 1e1 ) ', 'af_bella(0.5)+af_sky(.25)']],
      [even, ['af_bella+af_sky', 'af_sky(1000)+af_bella(1000)', 'af_bella(0.001)+af_sky(0.001)']],
      [said('am_michael(3)+bf_emma+bm_george+af_heart+af_sky+af_bella'), ['af_bella(2)+af_sky(2)+af_heart(2)+bm_george(2)+bf_emma(2)+am_michael(6)']],
      [said('marin'), ['af_heart', 'marin', '']], // '': the default
    ];
    for (const [wanted, names] of same) {
      for (const name of names) {
        assert.ok(said(name).equals(wanted), `say --voice '${name}'`);
        assert.ok((await bytesOf(server.speak({ input: text, response_format: 'pcm', voice: name }))).equals(wanted), `voice: '${name}'`);
      }
    }
    await server.stop();
  });

  test('blends that are none are refused in one sentence', async () => {
    const bad = ['+', 'af_bella+', '+af_bella', 'af_bella++af_sky', 'af_nobody', 'af_bella+af_nobody', 'af_bella+slt', 'af_bella(', 'af_bella()',
      'af_bella(2', 'af_bella(0)', 'af_bella(-1)', 'af_bella(nan)', 'af_bella(inf)', 'af_bella(1e9)', 'af_bella(1,5)', 'af_bella(2)(1)',
      'af_bella af_sky', 'af_bella-af_sky', '(2)', Array(54).fill('af_sky').join('+'), 'x'.repeat(5000)];
    const server = await startServer();
    for (const name of bad) {
      const { status, stderr } = run(['say', '-o', at('never.wav'), '-v', name, 'hi']);
      assert.equal(status, 2, name);
      assert.match(stderr, /^litetts: [^\n]{20,500}\n$/, name);
      const answer = await server.speak({ voice: name });
      assert.equal(answer.status, 400, name);
      assert.ok((await answer.json()).error.message.length > 20, name);
    }
    await server.stop();
    assert.equal(existsSync(at('never.wav')), false);
    assert.match(run(['say', '-v', bad.at(-2), 'hi']).stderr, /more than 16 voices, the most that can be mixed/);
  });

  test('the same request and seed are the same bytes, whatever the threads and the neighbours', async () => {
    const phonemes = ['ə', 'hˈI', 'həlˈO wˈɜɹld', 'tˈu ˌO nˈIn, θɹˈi. '.repeat(4), 'ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˌOvəɹ ðə lˈAzi dˈɔɡ. '.repeat(3)];
    const alone = phonemes.map((p) => said('af_heart', ['--phonemes', p, '--seed', '5', '--threads', '1']));
    for (const threads of ['2', '3', '7'])
      phonemes.forEach((p, i) =>
        assert.ok(said('af_heart', ['--phonemes', p, '--seed', '5', '--threads', threads]).equals(alone[i]), `${threads} threads: ${p}`));
    assert.ok(said('af_heart', ['--phonemes', 'gˈO', '--seed', '5']).equals(said('af_heart', ['--phonemes', 'ɡˈO', '--seed', '5'])), "a keyboard's g is IPA's");
    assert.ok(!said('af_heart', ['--phonemes', 'gˈO', '--seed', '5']).equals(said('af_heart', ['--phonemes', 'ˈO', '--seed', '5'])), 'g is not heard');
    assert.ok(!said('af_heart', ['--phonemes', phonemes[2], '--seed', '6']).equals(alone[2]), 'the seed does nothing');
    const server = await startServer(); // at once, and each twice: the batches are what happens to come together
    const answers = await Promise.all([...phonemes, ...phonemes].map((p) =>
      server.post('/dev/generate_from_phonemes', { phonemes: p, voice: 'af_heart', seed: 5, response_format: 'pcm' })));
    for (const [i, answer] of answers.entries())
      assert.ok((await bytesOf(answer)).equals(alone[i % phonemes.length]), phonemes[i % phonemes.length]);
    await server.stop();
  });

  test('captions come with the same audio, whole or in lines, fresh or kept', async () => {
    const server = await startServer(), input = 'It cost $2, naïvely. And so it went on, ever and ever, until the end. ' + 'Then came the rest of it. '.repeat(5);
    const spoken = ok(['normalize', input]).toString().replace(/[^\p{L} ]/gu, '').trim().split(/ +/);
    const ask = (more) => server.post('/dev/captioned_speech', { input, ...more });
    const body = async (more) => (await ask({ stream: false, ...more })).json();
    const lines = async (more) => (await (await ask(more)).text()).trimEnd().split('\n').map((line) => JSON.parse(line));
    const join = (parts) => ({ audio: Buffer.concat(parts.map((part) => Buffer.from(part.audio, 'base64'))), words: parts.flatMap((part) => part.timestamps) });
    for (const [format, mime] of Object.entries(formats)) {
      for (const [speed, times] of format === 'pcm' ? [[1.7, 1], [1, 2]] : [[1, 1]]) {
        const fields = { response_format: format, speed, seed: 3 };
        for (let i = 0; i < times; i++) { // the second time from what was kept
          const parts = await lines(fields), streamed = join(parts), whole = join([await body(fields)]);
          assert.ok(parts.length > 3 && parts.every((part) => part.audio_format === mime && part.audio.length > 0));
          assert.ok(streamed.audio.equals(await bytesOf(server.speak({ input, ...fields }))), format);
          assert.ok(whole.audio.equals(await bytesOf(server.speak({ input, ...fields, stream: false }))), format);
          assert.deepEqual(streamed.words, whole.words);
          assert.deepEqual(whole.words.map(({ word }) => word), spoken);
          let end = 0;
          for (const { word, start_time, end_time } of whole.words) {
            assert.ok(start_time >= end - 0.01 && end_time > start_time, `${word} from ${start_time} to ${end_time} after ${end}`);
            end = end_time;
          }
          if (format === 'pcm') assert.ok(end <= whole.audio.length / 48000 && end > 0.9 * whole.audio.length / 48000);
          // a line brings the audio of its words
          let bytes = 0;
          for (const part of format === 'pcm' ? parts : []) {
            const begin = bytes / 48000;
            bytes += Buffer.from(part.audio, 'base64').length;
            for (const { start_time, end_time } of part.timestamps) assert.ok(start_time >= begin && end_time <= bytes / 48000);
          }
        }
      }
    }
    const without = { return_timestamps: false };
    assert.deepEqual(join([await body(without)]), { ...join([await body({})]), words: [] });
    assert.deepEqual(join(await lines(without)).words, []);
    await server.stop();
  });

  test('--words tells when each word sounds', () => {
    const long = 'It cost $2, naïvely. '.repeat(8), say = ['say', '-v', 'af_heart'];
    ok([...say, '-o', at('words.pcm'), '--words', at('words.jsonl'), long]);
    const words = readFileSync(at('words.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.equal(words.map((w) => w.text).join(' '), Array(8).fill('It cost two dollars naïvely').join(' '));
    const bytes = Buffer.from(long), length = readFileSync(at('words.pcm')).length / 48000;
    let end = 0;
    for (const word of words) {
      assert.equal(bytes.subarray(word.text_begin, word.text_end).toString(), /two|dollars/.test(word.text) ? '$2' : word.text);
      assert.ok(word.start_seconds >= end - 0.01 && word.end_seconds > word.start_seconds, JSON.stringify(word));
      assert.match(`${word.start_seconds} ${word.end_seconds}`, /^\d+(\.\d{1,4})? \d+(\.\d{1,4})?$/);
      end = word.end_seconds;
    }
    assert.ok(end > length * 0.8 && end <= length, `${end} of ${length} s`);
    assert.equal(ok([...say, '-o', at('words.pcm'), '--words', '-', long]).toString(), readFileSync(at('words.jsonl'), 'utf8'));

    writeFileSync(at('words.txt'), long);
    const out = at('never.wav'), refused = [
      [['--words', '-', 'hi'], 2, /cannot both go to standard output/],
      [['-o', out, '--words', out, 'hi'], 2, /never\.wav' is named for the audio and for --words/],
      [['-f', at('words.txt'), '-o', out, '--words', at('words.txt')], 2, /words\.txt' is the text itself/],
      [['-o', out, '--words', folder, 'hi'], 1, /is a folder/],
      [['-o', out, '--words', '/dev/full', long], 1, /cannot write '\/dev\/full': No space left/],
    ];
    for (const [args, code, sentence] of refused) {
      const { status, stderr } = run([...say, ...args]);
      assert.match(stderr, /^litetts: [^\n]+\n$/);
      assert.match(stderr, sentence);
      assert.equal(status, code);
      assert.equal(existsSync(out) || existsSync(at('never.jsonl')), false, args.join(' '));
    }
    assert.equal(readFileSync(at('words.txt'), 'utf8'), long);
  });
});
