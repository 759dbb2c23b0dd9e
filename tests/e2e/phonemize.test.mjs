// phonemize.test.mjs: `litetts phonemize` as a user has it: phonemes, words, receipts, your own lexicon, errors.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = resolve(process.env.LITETTS_TEST_PROGRAM ?? join(root, 'build/litetts'));
const folder = mkdtempSync(join(tmpdir(), 'litetts-phonemize-'));
test.after(() => rmSync(folder, { recursive: true }));

// No lexicon is installed here, and flite says every word: the same on every machine.
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LITETTS_')));
const env = { ...clean, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, LITETTS_TEXT_LETTER_TO_SOUND: 'flite' };

function run(args, { input = '', more = {} } = {}) {
  const done = spawnSync(program, ['phonemize', ...args], { input, env: { ...env, ...more }, timeout: 60_000 });
  return { status: done.status, stdout: done.stdout.toString(), stderr: done.stderr.toString() };
}

test('phonemes of a text, from operands, a pipe and a file', () => {
  const said = run(['Open', 'the apple.']);
  assert.deepEqual(said, { status: 0, stdout: 'ˈOpən ði ˈæpᵊl.\n', stderr: '' });
  assert.equal(run(['-'], { input: 'Open the apple.' }).stdout, said.stdout);
  writeFileSync(join(folder, 'text.txt'), 'Open the apple.\n');
  assert.equal(run(['--file', join(folder, 'text.txt')]).stdout, said.stdout);
  assert.match(run(['-l', 'en-GB', 'Open the car.']).stdout, /ˈQpən ðə kˈɑː\./);
});

test('a word a line', () => {
  assert.equal(run(['--words', 'I have 2 cats.']).stdout, 'I\tˌI\nhave\thæv\ntwo\ttˈu\ncats\tkˈæts\n');
});

test('a receipt tells of every byte', () => {
  const text = 'I paid $5 😀 for [this](/ðˈɪs/) mug';
  const tokens = JSON.parse(run(['--explain', text]).stdout);
  const bytes = Buffer.from(text);
  const of = (spoken) => tokens.find((token) => token.spoken === spoken);
  assert.equal(bytes.subarray(...of('dollars').source).toString(), '$5');
  assert.equal(of('dollars').from, 'normalization');
  assert.equal(of('this').origin, 'given');
  assert.equal(of('this').phonemes, 'ðˈɪs');
  assert.equal(of('mug').origin, 'letter-to-sound');
  assert.ok(tokens.some((token) => token.kind === 'dropped' && bytes.subarray(...token.source).toString() === '😀' && token.note));
  // what is not white space is in some token
  const seen = new Set(tokens.flatMap(({ source: [begin, end] }) => Array.from({ length: end - begin }, (_, i) => begin + i)));
  for (let i = 0; i < bytes.length; i++) assert.ok(seen.has(i) || bytes[i] === 0x20, `byte ${i} of ${text}`);
  assert.deepEqual(JSON.parse(run(['--explain', '']).stdout), []);
});

test("the user's lexicon", () => {
  const path = join(folder, 'mine.txt');
  writeFileSync(path, '# mine\nmug /mˈʌɡzi/\nnginx engine x\n');
  assert.equal(run(['a mug of nginx'], { more: { LITETTS_TEXT_LEXICON: path } }).stdout.trim(), 'ɐ mˈʌɡzi ʌv ˈɛnʤən ˈɛks');
  writeFileSync(path, 'mug\n');
  const broken = run(['a mug'], { more: { LITETTS_TEXT_LEXICON: path } });
  assert.equal(broken.status, 2);
  assert.match(broken.stderr, /^litetts: text\.lexicon: '.*mine\.txt' line 1 has a word but no pronunciation/);
});

test('what cannot be done is said in a sentence', () => {
  for (const [args, status, sentence] of [
    [['--words', '--explain', 'x'], 2, /choose one/],
    [[], 2, /no text/],
    [['-l', 'ja', 'x'], 1, /Japanese cannot be pronounced yet/],
    [['-l', 'tlh', 'x'], 1, /'tlh' is not known/],
    [['--file', '/nonexistent'], 1, /nonexistent/],
  ]) {
    const done = run(args);
    assert.equal(done.status, status, done.stderr);
    assert.match(done.stderr, /^litetts: [^\n]+\n$/);
    assert.match(done.stderr, sentence);
  }
});
