// cli.test.mjs: the command as a user has it: every subcommand, every exit code, and everything that can go wrong.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './server.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const program = resolve(process.env.LITETTS_TEST_PROGRAM ?? join(root, 'build/litetts'));
const sanitizer = process.env.LITETTS_TEST_SANITIZER;
const book = '/usr/share/common-licenses/GPL-3';
const folder = mkdtempSync(join(tmpdir(), 'litetts-cli-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (name) => join(folder, name);

// Settings of whoever runs the tests stay out, and so do models that are installed, and a locale that is not: shells complain of it.
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(LITETTS_|LC_|LANG)/.test(name)));
const env = { ...clean, HOME: folder, XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('data') };

/** Runs the program to its end: { status, stdout, stderr }; `stdout` is a Buffer. */
function run(args, { input = '', more = {} } = {}) {
  const done = spawnSync(program, args, { input, env: { ...env, ...more }, maxBuffer: 1 << 28, timeout: 120_000 });
  assert.equal(done.error, undefined);
  return { status: done.status, stdout: done.stdout, stderr: done.stderr.toString() };
}

/** Runs it where it must succeed in silence; its standard output. */
function ok(args, options) {
  const { status, stdout, stderr } = run(args, options);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout;
}

/** The numbers that --stats prints. */
const stats = (args, options) => {
  const { status, stderr } = run([...args, '--stats'], options);
  assert.equal(status, 0, stderr);
  return JSON.parse(stderr);
};

/** A failure is one sentence on standard error. */
function assertSentence(stderr, pattern) {
  assert.match(stderr, /^litetts: [^\n]+\n$/);
  assert.match(stderr, pattern);
}

/** Decodes with ffmpeg: { codec, samples } at 24 kHz. Fails where ffmpeg finds a fault; `input` are options for reading. */
function decode(path, input = ['-xerror']) {
  const codec = execFileSync('ffprobe', ['-v', 'error', ...input.filter((o) => o !== '-xerror'), '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', path],
    { encoding: 'utf8' }).trim();
  const raw = execFileSync('ffmpeg', ['-v', 'error', ...input, '-i', path, '-f', 's16le', '-ac', '1', '-ar', '24000', '-'],
    { maxBuffer: 1 << 28 });
  return { codec, samples: new Int16Array(raw.buffer, raw.byteOffset, raw.length >> 1) };
}

const seconds = (path) => decode(path).samples.length / 24000;
/** The words that `say --words` wrote to a file. */
const wordsOf = (path) => readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
const loudness = (samples) => Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
const has = (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;

// ---- Help ----

test('alone it shows what there is, and exits with 2', () => {
  const { status, stdout, stderr } = run([]);
  assert.equal(status, 2);
  assert.equal(stdout.length, 0);
  for (const word of ['say', 'voices', 'serve', 'doctor']) assert.match(stderr, new RegExp(`^  ${word} `, 'm'));
});

test('--version and --help', () => {
  assert.match(ok(['--version']).toString(), /^litetts \d+\.\d+\.\d+\n$/);
  const overview = ok(['--help']).toString();
  assert.match(overview, /Exit codes:/);
  const commands = [...overview.matchAll(/^  ([a-z]+) {2,}\S/gm)].map((m) => m[1]);
  assert.ok(commands.length >= 4);
  for (const command of commands) {
    const help = ok(['help', command]).toString();
    assert.match(help, new RegExp(`^Usage: litetts ${command} .*\n\n[A-Z].*[^.]\\.\n\nOptions:\n`));
    assert.match(help, /[^\n]\n$/);
    assert.equal(ok([command, '--help']).toString(), help);
    assert.equal(ok([command, '-h']).toString(), help);
    for (const line of help.split('\n')) assert.ok([...line].length <= 120, line);
  }
});

test('--help shows the defaults of the settings', () => {
  const help = ok(['serve', '--help']).toString().replace(/\n {10,}/g, ' ');
  assert.match(help, /--port PORT .*\(default 8354\)/);
  assert.match(help, /--log-level LEVEL .*debug\|info\|warning\|error \(default info\)/);
});

// ---- Speaking ----

const sentence = 'The birch canoe slid on the smooth planks.';

test('every format is written by the ending of the file, and ffmpeg decodes it', () => {
  ok(['say', '-o', at('all.wav'), sentence]);
  const reference = decode(at('all.wav'));
  assert.equal(reference.codec, 'pcm_s16le');
  assert.ok(reference.samples.length > 24000 && loudness(reference.samples) > 300);
  const codecs = { mp3: 'mp3', opus: 'opus', flac: 'flac', aac: 'aac' };
  for (const [ending, codec] of Object.entries(codecs)) {
    ok(['say', '-o', at(`all.${ending}`), sentence]);
    const decoded = decode(at(`all.${ending}`));
    assert.equal(decoded.codec, codec);
    const difference = Math.abs(decoded.samples.length - reference.samples.length) / 24000;
    assert.ok(difference < 0.15, `${ending} is ${difference} s longer or shorter`);
    assert.ok(Math.abs(loudness(decoded.samples) / loudness(reference.samples) - 1) < 0.1, ending);
  }
  ok(['say', '-o', at('all.pcm'), sentence]);
  assert.deepEqual(decode(at('all.pcm'), ['-f', 's16le', '-ar', '24000']).samples, reference.samples);
  assert.deepEqual(decode(at('all.flac')).samples, reference.samples);
});

test('--format wins over the ending, and an absent ending is WAV', () => {
  ok(['say', '-o', at('named.wav'), '--format', 'flac', sentence]);
  assert.equal(decode(at('named.wav')).codec, 'flac');
  ok(['say', '-o', at('no-ending'), sentence]);
  assert.equal(decode(at('no-ending')).codec, 'pcm_s16le');
});

test('a WAV file has its true sizes, also through a redirection', () => {
  const check = (path) => {
    const bytes = readFileSync(path);
    assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
    assert.equal(bytes.readUInt32LE(40), bytes.length - 44);
  };
  ok(['say', '-o', at('sizes.wav'), sentence]);
  check(at('sizes.wav'));
  execFileSync('sh', ['-c', '"$0" say "$1" > "$2"', program, sentence, at('redirected.wav')], { env });
  check(at('redirected.wav'));
  assert.deepEqual(readFileSync(at('redirected.wav')), readFileSync(at('sizes.wav')));
});

test('appending behind other bytes leaves those alone', () => {
  writeFileSync(at('appended'), 'before');
  execFileSync('sh', ['-c', '"$0" say "$1" >> "$2"', program, sentence, at('appended')], { env });
  const bytes = readFileSync(at('appended'));
  assert.equal(bytes.subarray(0, 10).toString(), 'beforeRIFF');
  assert.equal(bytes.readUInt32LE(6 + 4), 0xffffffff);
});

test('a pipe gets WAV in its streaming form, or the format that is named', () => {
  const wav = ok(['say', sentence]);
  assert.equal(wav.subarray(0, 4).toString(), 'RIFF');
  assert.equal(wav.readUInt32LE(4), 0xffffffff);
  writeFileSync(at('piped.wav'), wav);
  // not -xerror: ffmpeg calls the last packet of any WAV of unknown size corrupt, also of one that it wrote itself
  assert.deepEqual(decode(at('piped.wav'), []).samples, decode(at('all.wav')).samples);
  assert.deepEqual(ok(['say', '-o', '-', sentence]), wav);
  writeFileSync(at('piped.mp3'), ok(['say', '-o', '-', '--format', 'mp3', sentence]));
  assert.equal(decode(at('piped.mp3')).codec, 'mp3');
});

test('operands, a file and standard input say the same', () => {
  const words = ok(['say', ...sentence.split(' ')]);
  writeFileSync(at('sentence.txt'), sentence);
  assert.deepEqual(ok(['say', '-f', at('sentence.txt')]), words);
  assert.deepEqual(ok(['say', '-'], { input: sentence }), words);
  assert.deepEqual(ok(['say'], { input: sentence }), words);
  assert.deepEqual(ok(['say', '-f', '-'], { input: sentence }), words);
});

test('what looks like an option is text behind --', () => {
  assert.ok(ok(['say', '--', '--version']).length > 10_000);
});

test('--speed, --volume, --voice and their settings', () => {
  const length = (args, options) => stats(['say', '-o', at('x.pcm'), ...args, sentence], options).audio_seconds;
  const usual = length([]);
  assert.ok(Math.abs(length(['--speed', '2']) / usual - 0.5) < 0.1);
  assert.ok(Math.abs(length(['-s0.5']) / usual - 2) < 0.3);
  assert.equal(length([], { more: { LITETTS_VOICE_SPEED: '2' } }), length(['--speed=2']));
  assert.equal(length(['--set', 'voice.speed=2']), length(['--speed=2']));
  const loud = (args) => loudness(decode((ok(['say', '-o', at('v.wav'), ...args, sentence]), at('v.wav'))).samples);
  assert.equal(loud(['--volume', '0']), 0);
  assert.ok(Math.abs(loud(['--volume', '0.5']) / loud([]) - 0.5) < 0.02);
  const rms = ok(['say', '--voice', 'rms', sentence]);
  assert.notDeepEqual(rms, ok(['say', sentence]));
  assert.deepEqual(ok(['say', sentence], { more: { LITETTS_VOICE_DEFAULT_VOICE: 'rms' } }), rms);
});

test('--words tells when each word sounds, and silence is where none does', () => {
  const text = 'It cost $2, naïvely. A well-known year: "Smith\'s", [pause:0.5s] he said; 3.14 is 20% of it!';
  for (const voice of ['awb', 'kal16', 'rms', 'slt']) {
    for (const speed of ['1', '1.8']) {
      ok(['say', '-v', voice, '--speed', speed, '-o', at('words.wav'), '--words', at('words.jsonl'), text]);
      const words = wordsOf(at('words.jsonl')), { samples } = decode(at('words.wav')), bytes = Buffer.from(text);
      assert.equal(words.map((word) => word.text).join(' '),
        "It cost two dollars naively A well-known year Smith's he said three point one four is twenty percent of it");
      const written = words.map((word) => bytes.subarray(word.text_begin, word.text_end).toString());
      assert.equal(written.join(' '), "It cost $2 $2 naïvely A well-known year Smith's he said 3.14 3.14 3.14 3.14 is 20 % of it");
      const peak = (begin, end) => samples.subarray(begin * 24000, end * 24000).reduce((most, s) => Math.max(most, Math.abs(s)), 0);
      const all = peak(0, samples.length / 24000);
      let end = 0, pauses = 0;
      for (const { text: word, start_seconds: from, end_seconds: to } of words) {
        const what = `${voice} at ${speed}: ${word} from ${from} to ${to}`;
        assert.ok(from >= end && to > from && to <= samples.length / 24000, what);
        assert.ok(peak(from, to) > all / 20, `${what} is silent`);
        if (from - end > 0.1) {
          pauses++;
          assert.ok(peak(end + 0.04, from - 0.04) < all / 20, `it speaks before ${what}`);
        }
        end = to;
      }
      assert.ok(pauses >= 2, `${pauses} pauses`);
    }
  }
  ok(['say', '-o', at('words.wav'), '--words', at('words.jsonl'), '[pause:0.2s]']);
  assert.equal(readFileSync(at('words.jsonl'), 'utf8'), '');
});

test('--input ssml speaks the text, not the tags', (t) => {
  const plain = stats(['say', '-o', at('x.pcm'), 'Hello there.']).audio_seconds;
  const { status, stderr } = run(['say', '--input', 'ssml', '-o', at('x.pcm'), '--stats', '<speak>Hello there.</speak>']);
  if (status !== 0) return t.skip(stderr.trim().split('\n').at(-1));
  assert.ok(Math.abs(JSON.parse(stderr).audio_seconds - plain) < 0.3);
});

test('<background> sounds under the speech and in its pauses', () => {
  const samples = (text) => new Int16Array(new Uint8Array(ok(['say', '--input', 'ssml', '--format', 'pcm', `<speak>${text}</speak>`])).buffer);
  const rms = (part) => Math.sqrt(part.reduce((sum, x) => sum + x * x, 0) / part.length);
  const pause = (all) => rms(all.subarray(12000, 24000)); // of a break of 1.5 s at the very beginning
  const text = '<break time="1500ms"/>Hello there.';
  assert.equal(pause(samples(text)), 0);
  for (const type of ['rain', 'wind', 'coffee_shop', 'office', 'nature']) {
    const half = pause(samples(`<background type="${type}" volume="50">${text}</background>`));
    assert.ok(half > 250 && half < 4000, `${type}: ${half}`); // 0.05 of full scale, more or less
  }
  assert.equal(pause(samples(`<background type="volcano">${text}</background>`)), 0);
});

test('--play plays on a device', () => {
  const { audio_seconds, output } = stats(['say', '--device', 'null', sentence]);
  assert.ok(audio_seconds > 1);
  assert.equal(output, 'played');
});

test('--stats tells what it cost, --verbose says it', () => {
  const s = stats(['say', '-o', at('s.wav'), sentence]);
  assert.equal(s.status, 'ok');
  assert.equal(s.format, 'wav');
  assert.equal(s.text_bytes, sentence.length);
  assert.equal(s.bytes_written, statSync(at('s.wav')).size);
  assert.ok(Math.abs(s.audio_seconds - seconds(at('s.wav'))) < 1e-3);
  assert.ok(s.wall_seconds >= s.first_audio_seconds && s.first_audio_seconds > 0);
  assert.ok(Math.abs(s.real_time_factor - s.wall_seconds / s.audio_seconds) < 1e-3);
  assert.ok(s.peak_memory_bytes > 1 << 20);
  const { stderr } = run(['say', '-o', at('s.wav'), '--verbose', sentence]);
  assert.match(stderr, /^\S+s\.wav: [\d.]+ s of audio in [\d.]+ s \(real-time factor [\d.]+\), peak memory [\d.]+ MiB\n$/);
});

test('memory does not grow with the length of the text', { skip: sanitizer && 'a sanitizer keeps freed memory' }, () => {
  const text = readFileSync(book);
  const peak = (input) => stats(['say', '--voice', 'kal16', '--speed', '4', '-o', at('x.pcm')], { input }).peak_memory_bytes;
  const short = peak(text.subarray(0, 5000)), long = peak(text);
  assert.ok(long - short < 4 << 20, `${short} bytes for 5 KB of text, ${long} for ${text.length >> 10} KB`);
});

// ---- Ending early ----

/** Speaks the book into `file` and sends `signal` once some of it is there; { status, stderr }. */
async function interrupted(file, signal) {
  const child = spawn(program, ['say', '-f', book, '-o', file, '--voice', 'rms'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  const poll = setInterval(() => {
    if (existsSync(file) && statSync(file).size > 12_000) child.kill(signal), clearInterval(poll);
  }, 20);
  const status = await new Promise((done) => child.on('close', done));
  clearInterval(poll);
  return { status, stderr };
}

for (const format of ['wav', 'mp3', 'opus', 'flac', 'aac']) {
  test(`Ctrl-C leaves a valid, shorter ${format} file`, async () => {
    const file = at(`interrupted.${format}`);
    const { status, stderr } = await interrupted(file, 'SIGINT');
    assert.equal(status, 130);
    assert.equal(stderr, '');
    const length = seconds(file);
    assert.ok(length > 0.2 && length < 1500, `${length} s`);
    if (format === 'wav') assert.equal(readFileSync(file).readUInt32LE(40), statSync(file).size - 44);
  });
}

test('SIGTERM ends it while it waits for text', async () => {
  const child = spawn(program, ['say', '-o', at('waiting.wav')], { env, stdio: ['pipe', 'ignore', 'pipe'] });
  const over = new Promise((done) => child.on('close', done));
  await until(() => existsSync(at('waiting.wav')), 'it is ready to speak'); // what it does next is to read
  child.kill('SIGTERM');
  assert.equal(await over, 143);
  assert.equal(statSync(at('waiting.wav')).size, 44);
});

test('a closed pipe ends it in silence', () => {
  const began = Date.now();
  const { stdout, stderr } = spawnSync('bash', ['-c', '"$0" say -f "$1" | head -c 1000 | wc -c; echo ${PIPESTATUS[0]}', program, book],
    { env, encoding: 'utf8' });
  assert.equal(stdout, '1000\n141\n');
  assert.equal(stderr, '');
  assert.ok(Date.now() - began < (sanitizer ? 60_000 : 10_000));
  for (const command of ['voices', 'doctor']) {
    const done = spawnSync('bash', ['-c', '"$0" "$1" > >(exec true) 2>&1; true', program, command], { env });
    assert.equal(done.signal, null);
  }
});

// ---- Bad input ----

mkdirSync(at('a-folder'));
writeFileSync(at('latin1.txt'), Buffer.from('One line.\nA caf\xe9.\n', 'latin1'));
writeFileSync(at('late.txt'), Buffer.concat([Buffer.alloc(200_001, 'word. '), Buffer.from([0xc0, 0x80])]));
writeFileSync(at('cut.txt'), Buffer.from([0x61, 0x20, 0xe2, 0x82]));
writeFileSync(at('border.txt'), 'a '.repeat(32767) + 'aé'); // a character across the border of two reads
writeFileSync(at('empty.txt'), '');
writeFileSync(at('bad.json'), '{"server": {"prot": 1}}');
writeFileSync(at('flat.json'), '{"server": 8354}');
const out = at('never.wav');

const refusals = [
  // arguments, exit code, sentence, { input, more }
  [['sya', 'hi'], 2, /unknown command 'sya': did you mean 'say'/],
  [['help', 'voice'], 2, /unknown command 'voice': did you mean 'voices'/],
  [['say', '--sped', '2', 'hi'], 2, /unknown option '--sped': did you mean '--speed'/],
  [['say', '-z', 'hi'], 2, /unknown option '-z'/],
  [['say', '--out', 'x.wav', 'hi'], 2, /unknown option '--out': did you mean '--output'/],
  [['say', '--nonsense', 'hi'], 2, /unknown option '--nonsense': 'litetts say --help' lists all$/m],
  [['foo'], 2, /unknown command 'foo': 'litetts --help' lists all$/m],
  [['frobnicate'], 2, /unknown command 'frobnicate': 'litetts --help' lists all$/m],
  [['say', '--set', 'frobnicate=1', 'hi'], 2, /unknown setting 'frobnicate': 'litetts doctor' lists all$/m],
  [['say', '--speed'], 2, /--speed needs a value/],
  [['say', '-o'], 2, /-o needs a value/],
  [['say', '--quiet=yes', 'hi'], 2, /--quiet takes no value/],
  [['say', '--speed', '0', 'hi'], 2, /voice\.speed takes a number from 0\.25 to 4, not '0'/],
  [['say', '--speed', 'nan', 'hi'], 2, /voice\.speed takes a number/],
  [['say', '--speed', '1e9', 'hi'], 2, /voice\.speed takes a number/],
  [['say', '--speed', 'fast', 'hi'], 2, /not 'fast'/],
  [['say', '--volume', '-1', 'hi'], 2, /--volume takes a number from 0 to 4, not '-1'/],
  [['say', '--volume', 'nan', 'hi'], 2, /--volume takes a number/],
  [['say', '--volume', '0x1p1', 'hi'], 2, /--volume takes a number from 0 to 4, not '0x1p1'/],
  [['say', '--volume', '1 ', 'hi'], 2, /--volume takes a number from 0 to 4, not '1 '/],
  [['say', '--volume', '1,5', 'hi'], 2, /--volume takes a number from 0 to 4, not '1,5'/],
  [['say', '--speed', '0x1', 'hi'], 2, /voice\.speed takes a number/],
  [['say', '--seed', '-1', 'hi'], 2, /--seed takes a whole number/],
  [['say', '--seed', '18446744073709551616', 'hi'], 2, /--seed takes a whole number/],
  [['say', '--input', 'html', 'hi'], 2, /--input takes one of text\|phonemes\|ssml, not 'html'/],
  [['say', '--format', 'ogg', 'hi'], 2, /--format takes one of .*, not 'ogg'/],
  [['say', '-o', at('x.txt'), 'hi'], 2, /no format is called 'txt'/],
  [['say', '--voice', 'nobody', '-o', out, 'hi'], 2, /nobody.*slt/],
  [['say', '--voice', '', '--set', 'voice.default_voice=nobody', '-o', out, 'hi'], 2, /nobody/],
  [['say', '--set', 'engine.thread=2', 'hi'], 2, /unknown setting 'engine.thread': did you mean 'engine.threads'/],
  [['say', '--set', 'engine.threads', 'hi'], 2, /--set takes KEY=VALUE/],
  [['say', '--config', at('bad.json'), 'hi'], 2, /unknown setting 'server.prot' in .*bad\.json: did you mean 'server.port'/],
  [['say', '--config', at('flat.json'), 'hi'], 2, /'server' in .*flat\.json takes an object of its settings/],
  [['say', '--config', at('nothing.json'), 'hi'], 1, /nothing\.json.*No such file/],
  [['say', 'hi'], 2, /LITETTS_SERVER_PROT.*LITETTS_SERVER_PORT/, { more: { LITETTS_SERVER_PROT: '1' } }],
  [['say', 'hi'], 2, /engine\.threads takes a whole number.*LITETTS_ENGINE_THREADS/, { more: { LITETTS_ENGINE_THREADS: 'x' } }],
  [['say', '-f', 'a', 'hi'], 2, /give the text once/],
  [['say', '--play', '-o', out, 'hi'], 2, /--play and --device go without --output/],
  [['say', '--device', 'no-such-device', 'hi'], 1, /no-such-device.*-o FILE/],
  [['say', '--phonemes', 'həlˈO', '-o', out], 1, /phonemes/],
  [['say', '--phonemes', 'həlˈO', '--input', 'ssml', '-o', out], 2, /--phonemes and --input ssml contradict/],
  [['say', '-f', at('border.txt'), '--format', 'wav', '-o', at('border.txt')], 2, /border\.txt' is the text itself/],
  [['say', '-f', at('missing.txt'), '-o', out], 1, /cannot read '.*missing\.txt': No such file/],
  [['say', '-f', at('a-folder'), '-o', out], 1, /is a folder/],
  [['say', '-f', at('latin1.txt'), '-o', out], 1, /latin1\.txt' is not UTF-8 text: byte 15, on line 2, is 0xe9/],
  [['say', '-f', at('late.txt'), '-o', out], 1, /byte 200001, on line 1, is 0xc0/],
  [['say', '-f', at('cut.txt'), '-o', out], 1, /byte 2, on line 1, is 0xe2/],
  [['say', '-', '-o', out], 1, /UTF-8/, { input: Buffer.from([0xff]) }],
  [['say', '-f', at('empty.txt'), '-o', out], 1, /nothing to speak/],
  [['say', '-o', out, ''], 1, /nothing to speak/],
  [['say', '-o', out], 1, /nothing to speak/, { input: ' \n\t\n' }],
  [['say', '-o', at('a-folder'), 'hi'], 1, /a-folder' is a folder: name a file in it/],
  [['say', '-o', at('a-folder/none/x.wav'), 'hi'], 1, /cannot write .*No such file or directory/],
  [['say', '-o', at('empty.txt/x.wav'), 'hi'], 1, /cannot write .*Not a directory/],
  [['say', '-o', '/dev/full', sentence], 1, /cannot write '\/dev\/full': No space left on device/],
  [['say', '-o', '/proc/sys/kernel/version', 'hi'], 1, /cannot write '\/proc.*(Permission denied|Read-only file system)/], // also for root
  [['say', '-o', '', 'hi'], 1, /cannot write ''/],
  [['voices', 'extra'], 2, /takes no operand/],
  [['pull', 'kokoro', '--tries', '2.5'], 2, /--tries takes a whole number from 1 to 1000, not '2\.5'/],
  [['pull', 'kokoro', '--tries', ' 2'], 2, /--tries takes a whole number from 1 to 1000, not ' 2'/],
  [['pull', 'kokoro', '--timeout', '99999999999999999999'], 2, /--timeout takes a whole number from 1 to 3600/],
  [['import', 'model.pth', '-o', '-'], 2, /cannot go to standard output: name a file/],
  [['bench', '--golden', 'folder', '--tokens', '5'], 2, /--golden and --tokens contradict each other/],
  [['bench'], 1, /no Kokoro model to measure: 'litetts pull kokoro' fetches one/],
  [['serve', '--port', '65536'], 2, /server\.port takes a whole number from 0 to 65535/],
  [['serve', '--host', 'not an address', '--port', '0'], 2, /not an address/],
  [['doctor', '--jsn'], 2, /did you mean '--json'/],
];
for (const [args, status, pattern, options] of refusals) {
  test(`refused: ${args.map((a) => a.replace(folder, '…')).join(' ')}`, () => {
    const got = run(args, options);
    assertSentence(got.stderr, pattern);
    assert.equal(got.status, status);
    assert.equal(existsSync(out), false);
  });
}

test('names that are not UTF-8 are told as well as they can be', () => {
  const shell = (line) => spawnSync('bash', ['-c', line, program, folder], { env, encoding: 'utf8' });
  const said = shell('"$0" say --stats -o "$1"/$\'\\xff.wav\' hi');
  assert.equal(said.status, 0);
  assert.match(JSON.parse(said.stderr).output, /\/\?\.wav$/);
  const early = run(['say', '--stats', '--play', '--format', 'mp3', 'hi']).stderr.split('\n');
  assert.equal(JSON.parse(early[0]).output, null);
  const asked = shell('"$0" doctor --json --set engine.model=$\'/nowhere/\\xff.gguf\'');
  assert.equal(asked.status, 1);
  assert.match(JSON.parse(asked.stdout).problems.join('\n'), /'\/nowhere\/\?\.gguf', which is no file/);
});

test('an invalid operand names its byte', () => {
  const { status, stderr } = spawnSync('bash', ['-c', '"$0" say one $\'tw\\xff\'', program], { env, encoding: 'utf8' });
  assertSentence(stderr, /byte 6 of it is 0xff/);
  assert.equal(status, 1);
});

test('strange but valid text is spoken, or refused in one sentence', () => {
  const texts = ['\u0000', 'a\u0000b', '?!', '…', '😀', 'x'.repeat(10_000), '\u202e\u200b\ufeffhi', '(((((((((('];
  for (const input of texts) {
    const { status, stderr } = run(['say', '--voice', 'kal16', '--speed', '4', '-o', at('strange.wav')], { input });
    if (status === 0) assert.ok(decode(at('strange.wav')).samples.length > 0);
    else assertSentence(stderr, /nothing to speak|UTF-8/);
  }
});

test('a character across the border of two reads is no fault', () => {
  const { status, stderr } = run(['say', '-f', at('border.txt'), '-o', '/dev/full']);
  assertSentence(stderr, /No space left/); // reading came before writing
  assert.equal(status, 1);
});

test('standard output that is full is an error of every command', () => {
  for (const args of [['voices'], ['voices', '--json'], ['doctor', '--json'], ['--help'], ['--version'], ['help', 'say'], ['say', sentence]]) {
    const { status, stderr } = spawnSync('bash', ['-c', '"$0" "$@" > /dev/full', program, ...args], { env, encoding: 'utf8' });
    assertSentence(stderr, /standard output'?: No space left on device/);
    assert.equal(status, 1);
  }
});

test('a file that cannot be completed is removed', () => {
  const script = 'ulimit -f 64; "$0" say -f "$1" -o "$2"'; // as a full disk: writing fails after 64 blocks
  const { status, stderr } = spawnSync('bash', ['-c', script, program, book, at('partial.wav')], { env, encoding: 'utf8' });
  assertSentence(stderr, /cannot write '.*partial\.wav', which was removed: File too large/);
  assert.equal(status, 1);
  assert.equal(existsSync(at('partial.wav')), false);
});

test('a request that fails before it speaks leaves an existing file as it was', () => {
  writeFileSync(at('kept.wav'), 'precious');
  for (const args of [['--voice', 'nobody', 'hi'], ['-f', at('latin1.txt')], ['--speed', '9', 'hi'], ['-f', at('missing.txt')]])
    assert.notEqual(run(['say', '-o', at('kept.wav'), ...args]).status, 0);
  assert.equal(readFileSync(at('kept.wav'), 'utf8'), 'precious');
});

// ---- On a terminal ----

/** Runs a command line on a pseudo terminal of 80 columns; what the terminal received. */
const onTerminal = (line) => execFileSync('script', ['-qec', `stty cols 80 rows 24; ${line}`, '/dev/null'],
  { env: { ...env, TERM: 'xterm' }, encoding: 'utf8', input: '' });

test('a terminal shows a bar, which a summary replaces', () => {
  const screen = onTerminal(`'${program}' say -f '${book}' --voice kal16 --speed 4 -o '${at('bar.wav')}'`);
  const frames = screen.split('\r\x1b[K');
  assert.ok(frames.length > 5, screen);
  const drawn = frames.slice(1, -1);
  for (const frame of drawn) assert.ok(frame.length < 80, frame);
  assert.match(drawn.at(-1), /^\[#+\.*\] {1,3}\d+ % {2}\d+:\d\d left {2}\d+:\d\d of audio {2}[\d.]+x {2}[\d,]+\/[\d,]+ characters$/);
  const percents = drawn.map((frame) => Number(/(\d+) %/.exec(frame)[1]));
  assert.deepEqual(percents, [...percents].sort((a, b) => a - b));
  assert.match(frames.at(-1), /^\S+bar\.wav: [\d.]+ s of audio .*MiB\r\n$/);
});

test('--quiet shows nothing, and nor does a terminal that cannot redraw', () => {
  assert.equal(onTerminal(`'${program}' say -q -o '${at('bar.wav')}' hello`), '');
  assert.doesNotMatch(onTerminal(`TERM=dumb '${program}' say -o '${at('bar.wav')}' hello`), /\x1b|%/);
});

test('on a terminal without text or without a device it says what to do', () => {
  const screen = onTerminal(`'${program}' say </dev/tty; true`);
  assert.match(screen, /^litetts: there is no text: give it as operands/);
});

// ---- The other commands ----

test('voices lists them, aligned, and as JSON', () => {
  const lines = ok(['voices']).toString().trimEnd().split('\n');
  const column = lines[0].indexOf('BACKEND');
  for (const line of lines.slice(1)) assert.match(line.slice(column - 2), /^ {2}(flite|kokoro)/);
  const voices = JSON.parse(ok(['voices', '--json']));
  assert.equal(voices.length, lines.length - 1);
  for (const name of ['slt', 'rms', 'awb', 'kal16']) assert.ok(voices.some((v) => v.name === name && v.backend === 'flite'));
  assert.deepEqual(voices.filter((v) => v.default).map((v) => v.name), ['slt']);
});

const tiny = join(process.env.LITETTS_TEST_SHARED ?? join(root, '../shared'), 'reference/kokoro-tiny');

test('a model without voices leaves the embedded default', { skip: !existsSync(tiny) && 'the reference data is absent' }, () => {
  ok(['import', '-q', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'), '-o', at('mute.gguf')]);
  const voices = JSON.parse(ok(['voices', '--json', '--set', `engine.model=${at('mute.gguf')}`]));
  assert.deepEqual(voices.filter((v) => v.default).map((v) => v.name), ['slt']);
});

test('voices that cannot read text are listed as such', { skip: !existsSync(tiny) && 'the reference data is absent' }, () => {
  mkdirSync(at('two'));
  for (const name of ['af_one', 'jf_two']) writeFileSync(at(`two/${name}.pt`), readFileSync(join(tiny, 'voice.pt')));
  ok(['import', '-q', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'), '--voices', at('two'), '-o', at('two.gguf')]);
  const model = ['--model', at('two.gguf')];
  const voices = JSON.parse(ok(['voices', '--json', ...model])).filter((v) => v.backend === 'kokoro');
  assert.deepEqual(voices.map((v) => /no text yet/.test(v.summary)), [false, true]);
  assertSentence(run(['say', ...model, '-v', 'jf_two', '-o', at('two.wav'), 'hi']).stderr, /Japanese cannot be pronounced yet/);
  ok(['say', ...model, '-v', 'jf_two', '-o', at('two.wav'), '--phonemes', 'həlˈO']);
});

const doctor = (args = [], more = {}) => {
  const { status, stdout } = run(['doctor', '--json', ...args], { more });
  return { status, ...JSON.parse(stdout) };
};

test('the doctor shows the installation', () => {
  const report = doctor();
  assert.equal(report.status, 0, report.problems.join('\n'));
  assert.deepEqual(report.problems, []);
  assert.equal(`litetts ${report.litetts}\n`, ok(['--version']).toString());
  assert.ok(report.processor.cpus >= 1 && report.memory.total_bytes > 1 << 28);
  for (const library of ['jansson', 'flite', 'libmicrohttpd', 'soxr']) assert.match(report.libraries[library], /\d+\.\d+/);
  assert.equal(report.voices.formats, 'wav pcm mp3 opus flac aac');
  assert.ok(report.voices.trial_audio_seconds > 0.2);
  const text = ok(['doctor']).toString();
  assert.match(text, /^ {2}server\.port +8354 \(default\)$/m);
  assert.match(text, /Nothing is wrong\.\n$/);
});

test('settings come from defaults, file, environment and flags, in this order', () => {
  mkdirSync(at('config/litetts'), { recursive: true });
  const file = at('config/litetts/config.json');
  const port = (args, more) => Object.values(doctor(args, more).configuration['server.port']);
  try {
    assert.deepEqual(port(), ['8354', 'default']);
    writeFileSync(file, '{"server": {"port": 1001, "host": "::1"}}');
    assert.deepEqual(port(), ['1001', file]);
    assert.deepEqual(port([], { LITETTS_SERVER_PORT: '1002' }), ['1002', 'LITETTS_SERVER_PORT']);
    assert.deepEqual(port(['--set', 'server.port=1003'], { LITETTS_SERVER_PORT: '1002' }), ['1003', 'flag']);
    writeFileSync(at('other.json'), '{"server.port": 1004}');
    assert.deepEqual(port([], { LITETTS_CONFIG: at('other.json') }), ['1004', at('other.json')]);
    assert.deepEqual(port(['--config', file], { LITETTS_CONFIG: at('other.json') }), ['1001', file]);
  } finally {
    rmSync(file);
  }
});

test('the doctor names each thing that is wrong, and how to mend it', () => {
  const wrong = [
    [['--set', 'engine.model=/nowhere/k.gguf'], {}, /\/nowhere\/k\.gguf/],
    [['--set', 'engine.threads=256'], {}, /engine\.threads is 256.*set it to 0/],
    [['--set', 'voice.default_voice=nobody'], {}, /nobody/],
    [['--config', at('bad.json')], {}, /server\.prot.*server\.port/],
    [[], { LITETTS_LOG_LEVEL: 'loud' }, /log\.level takes one of.*LITETTS_LOG_LEVEL/],
    [['--set', `engine.isa=${process.arch === 'x64' ? 'neon' : 'amx'}`], {}, /engine\.isa asks for/],
  ];
  for (const [args, more, pattern] of wrong) {
    const report = doctor(args, more);
    assert.equal(report.status, 1);
    assert.ok(report.problems.some((p) => pattern.test(p)), `${args}: ${report.problems}`);
  }
  const both = doctor(['--config', at('bad.json'), '--set', 'voice.speed=9'], { LITETTS_LOG_LEVEL: 'loud' });
  assert.equal(both.problems.length, 3);
});

test('the doctor hides keys and passwords', () => {
  const { stdout } = run(['doctor'], { more: { LITETTS_SERVER_API_KEY: 'very-secret' } });
  assert.doesNotMatch(stdout.toString(), /very-secret/);
  assert.match(stdout.toString(), /server\.api_key +\(hidden\) \(LITETTS_SERVER_API_KEY\)/);
  const redis = (url) => run(['doctor'], { more: { LITETTS_CACHE_REDIS: url } }).stdout.toString();
  assert.match(redis('redis://:very-secret@127.0.0.1:1'), /cache\.redis +\(hidden\)/);
  assert.match(redis('redis://127.0.0.1:1'), /cache\.redis +redis:\/\/127\.0\.0\.1:1 /);
});

// ---- What comes with it ----

const commands = [...ok(['--help']).toString().matchAll(/^  ([a-z]+) {2,}\S/gm)].map((m) => m[1]);
const optionsOf = (command) => [...ok([command, '--help']).toString().matchAll(/^ {2}(?:-(\w), | {4})--([a-z-]+)/gm)]
  .map(([, letter, name]) => ({ letter, name }));

test('the man page tells of every command and option', () => {
  const page = readFileSync(join(root, 'docs/litetts.1'), 'utf8');
  for (const command of commands) {
    const section = page.split(/^\.Sh /m).find((s) => s.startsWith(command.toUpperCase()));
    assert.ok(section, `no section ${command.toUpperCase()}`);
    for (const { letter, name } of optionsOf(command)) {
      const entry = `.It ${letter ? `Fl ${letter} , ` : ''}Fl -${name}`;
      const where = section.includes(entry) ? section : page.split(/^\.Sh /m).find((s) => s.startsWith('COMMON'));
      assert.ok(where.split('\n').some((line) => line === entry || line.startsWith(`${entry} Ar`)), `${command}: no '${entry}'`);
    }
    for (const [, name] of section.matchAll(/^\.It (?:Fl \w , )?Fl -([a-z-]+)/gm))
      assert.ok(optionsOf(command).some((option) => option.name === name), `${command} has no --${name}`);
  }
});

test('the man page is clean', { skip: !has('groff') && 'groff is not installed' }, () => {
  const done = spawnSync('groff', ['-ww', '-mandoc', '-Tutf8', join(root, 'docs/litetts.1')], { encoding: 'utf8' });
  assert.equal(done.stderr, '');
  assert.match(done.stdout.replace(/.\x08/g, ''), /EXIT STATUS/);
});

// Each completes the words of a command line, the last of them unfinished, and gives back what it offers. The functions
// of zsh that draw a menu are replaced by ones that print.
const zshStubs = `compadd() { shift; print -rl -- \${(P)1} }
_describe() { [[ $1 == -o ]] && shift; print -rl -- \${\${(P)2}%%:*} }
_files() { print -rl -- *(N) }`;
const shells = {
  bash: (words) => ['-c', `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _litetts; printf '%s\\n' "\${COMPREPLY[@]}"`,
    join(root, 'completions/litetts.bash'), ...words],
  zsh: (words) => ['-fc', `${zshStubs}; words=("$@"); CURRENT=$#; source "$0"`, join(root, 'completions/_litetts'), ...words],
  fish: (words) => ['-Nc', `source ${root}/completions/litetts.fish; complete -C '${words.join(' ')}'`],
};
for (const [shell, line] of Object.entries(shells)) {
  test(`${shell} completes commands, options and values`, { skip: !has(shell) && `${shell} is not installed` }, () => {
    writeFileSync(at('some-text.txt'), 'text');
    const complete = (...words) => {
      const offered = execFileSync(shell, line(['litetts', ...words]),
        { env: { ...env, PATH: `${dirname(program)}:${env.PATH}` }, cwd: folder, encoding: 'utf8' });
      return offered.split('\n').map((l) => l.split('\t')[0]).filter((word) => word.startsWith(words.at(-1)) && word !== '').sort();
    };
    assert.deepEqual(complete('').filter((word) => /^[a-z]/.test(word)), [...commands, 'help'].sort());
    assert.deepEqual(complete('vo'), ['voices']);
    assert.deepEqual(complete('help', 'do'), ['doctor']);
    for (const command of commands)
      assert.deepEqual(complete(command, '--'), optionsOf(command).map(({ name }) => `--${name}`).sort());
    assert.deepEqual(complete('say', '--format', ''), ['aac', 'flac', 'mp3', 'opus', 'pcm', 'wav']);
    assert.deepEqual(complete('serve', '--log-format', ''), ['json', 'text']);
    assert.deepEqual(complete('say', '--voice', 'k'), ['kal16']);
    assert.deepEqual(complete('serve', '-v', 'sl'), ['slt']);
    assert.deepEqual(complete('say', '-f', 'some'), ['some-text.txt']);
    assert.deepEqual(complete('say', '--quiet', '--pl'), ['--play']);
  });
}

test('make run says hello', () => {
  const text = execFileSync(join(root, 'scripts/hello'), [program], { env, cwd: folder, encoding: 'utf8' });
  const length = Number(/^Length: +([\d.]+) s/m.exec(text)[1]);
  assert.ok(text.includes(at('hello.wav')));
  assert.match(text, /^Real-time factor: +[\d.]+/m);
  assert.match(text, /^Peak memory: +[\d.]+ MiB$/m);
  assert.match(text, / serve /);
  assert.match(text, / pull /);
  assert.ok(Math.abs(seconds(at('hello.wav')) - length) < 0.01);
  assert.equal(readdirSync(folder).some((name) => name.endsWith('.stats')), false);
});
