// bench.test.mjs: `litetts bench` on the small reference model: what it keeps, and what it says of two results; and `litetts
// tune`: what it measures, and what it writes where.
// LITETTS_TEST_PROGRAM is the program; without the reference data (LITETTS_TEST_SHARED) there is no model to measure.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const program = process.env.LITETTS_TEST_PROGRAM ?? 'build/litetts';
const tiny = join(process.env.LITETTS_TEST_SHARED ?? '../shared', 'reference/kokoro-tiny');
const skip = existsSync(join(tiny, 'kokoro-tiny.pth')) ? false : 'the reference data is absent';
const folder = mkdtempSync(join(tmpdir(), 'litetts-bench-'));
const at = (name) => join(folder, name);
after(() => rmSync(folder, { recursive: true }));

const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LITETTS_')));
const env = { ...clean, HOME: folder, XDG_CONFIG_HOME: at('config'), XDG_DATA_HOME: at('data'), XDG_STATE_HOME: at('state') };

/** Runs the program to its end. */
function run(...args) {
  const more = typeof args.at(-1) === 'object' ? args.pop() : {};
  const done = spawnSync(program, args, { env: { ...env, ...more }, encoding: 'utf8', timeout: 120_000 });
  assert.equal(done.error, undefined);
  return done;
}

/** Runs it where it must succeed; its standard output. */
function ok(...args) {
  const { status, stdout, stderr } = run(...args);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** Runs it where it must fail with one sentence. */
function refused(pattern, ...args) {
  const { status, stderr } = run(...args);
  assert.notEqual(status, 0);
  assert.match(stderr, /^litetts: [^\n]+\n$/);
  assert.match(stderr, pattern);
}

describe('bench and tune', { skip }, () => {
  before(() => {
    ok('import', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'), '-o', at('data/litetts/kokoro.gguf'), '-q');
  });

  const bench = (...args) => ok('bench', '--tokens', '20', ...args);
  const kept = (name) => JSON.parse(readFileSync(at(`state/litetts/bench/${name}.json`)));

  /** Keeps a copy of a result in which every time is another. */
  function keepChanged(from, to, change) {
    const result = kept(from);
    for (const measure of Object.values(result.seconds)) Object.assign(measure, change(measure));
    writeFileSync(at(`${to}.json`), JSON.stringify(result));
    return at(`${to}.json`);
  }

  test('a result is kept with what it depends on', () => {
    bench('--save', 'first', '--isa', 'portable', '--threads', '1');
    const result = kept('first');
    assert.equal(result.isa, 'portable');
    assert.equal(result.threads, 1);
    assert.equal(result.tokens, 20);
    assert.equal(result.runs, 5);
    assert.match(result.digest, /^[0-9a-f]{64}$/);
    assert.match(result.date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(result.engine, /^litetts \d/);
    assert.ok(result.cpus >= 1 && 'machine' in result);
    for (const name of ['wall', 'cpu', 'albert', 'resblocks']) {
      const { lower, median, upper } = result.seconds[name];
      assert.ok(lower > 0 && lower <= median && median <= upper, name);
    }
    assert.equal(result.medianSeconds, result.seconds.wall.median);
  });

  test('faster, slower and noise are told apart', () => {
    bench('--save', 'now');
    const scaled = (factor) => ({ lower, median, upper }) => ({ lower: factor * lower, median: factor * median, upper: factor * upper });
    const verdicts = (file) => {
      const { seconds } = JSON.parse(bench('--json', '--compare', file)).comparison;
      return new Set(['wall', 'cpu'].map((name) => seconds[name].verdict));
    };
    assert.deepEqual(verdicts(keepChanged('now', 'slow', scaled(1000))), new Set(['faster']));
    assert.deepEqual(verdicts(keepChanged('now', 'fast', scaled(0.001))), new Set(['slower']));
    assert.deepEqual(verdicts(keepChanged('now', 'wide', ({ median }) => ({ lower: 0, upper: 1000 * median }))), new Set(['within noise']));
    const text = bench('--compare', at('slow.json'));
    assert.match(text, /^wall .* 0\.\d+ .* faster$/m);
    assert.match(text, /^Before: the result of \d{4}-/m);
  });

  test('a few runs decide nothing', () => {
    const { comparison } = JSON.parse(bench('--json', '--runs', '2', '--compare', 'now'));
    assert.equal(comparison.seconds.wall.verdict, 'too few runs');
  });

  test('what else is different is said', () => {
    const text = bench('--compare', 'now', '--isa', 'portable', '--threads', '1');
    assert.match(text, /^Mind that isa differs: ".+", now "portable"$/m);
    const other = kept('now');
    other.machine = 'another';
    other.digest = '00';
    writeFileSync(at('other.json'), JSON.stringify(other));
    const { comparison } = JSON.parse(bench('--json', '--compare', at('other.json')));
    assert.deepEqual(Object.keys(comparison.differences), ['machine', 'digest']);
    assert.equal(comparison.differences.machine[0], 'another');
  });

  test('other work and what is no result are refused', () => {
    refused(/20 phonemes \(made up\), 1 at once, and this would be 21/, 'bench', '--tokens', '21', '--compare', 'now');
    refused(/2 at once: give the same/, 'bench', '--tokens', '20', '--batch', '2', '--compare', 'now');
    refused(/there is no '.*never\.json': 'litetts bench --save never' makes it/, 'bench', '--compare', 'never');
    writeFileSync(at('no-result.json'), '{"seconds": 1}');
    refused(/no-result\.json' is no result of 'litetts bench'/, 'bench', '--compare', at('no-result.json'));
    refused(/no-result\.json\/x': Not a directory/, 'bench', '--tokens', '5', '--runs', '1', '--save', at('no-result.json/x'));
  });

  // ---- tune ----

  const tune = (...args) => JSON.parse(ok('tune', '--json', '--seconds', '8', ...args));
  const config = at('config/litetts/config.json');
  function configure(text) {
    mkdirSync(at('config/litetts'), { recursive: true });
    writeFileSync(config, text);
  }

  test('tune measures each optimisation against the default', () => {
    const { measured, cache, settings, file, written, seconds, instruction_set: best } = tune('--dry-run');
    assert.deepEqual(Object.keys(measured).filter((name) => name !== 'engine.pin'), ['engine.isa', 'engine.threads', 'precision', 'engine.batching']);
    for (const [name, list] of Object.entries(measured)) {
      assert.ok(list.every(({ speed, noise, rounds }) => (speed > 0) === (rounds > 0) && (noise === null || noise >= 0)), name);
      assert.equal(list.filter((candidate) => candidate.in_force).length, 1, name);
    }
    for (const { speed } of measured['engine.threads']) assert.ok(speed > 0);
    assert.equal(measured['engine.threads'][0].speed, 1);
    const sets = measured['engine.isa'].map(({ value }) => value);
    assert.equal(sets[0], 'auto');
    assert.ok(best === 'portable' || sets.includes('portable'));
    assert.ok(!sets.includes(best), 'the best set is "auto"');
    assert.ok(cache.hit_seconds > 0 && cache.hit_seconds < cache.new_seconds);
    assert.equal(written, false);
    assert.equal(file, config);
    assert.ok(!existsSync(config), 'a dry run writes nothing');
    assert.ok(seconds < 15, `${seconds} s`);
    assert.equal(typeof settings, 'object');
  });

  test('tune replaces a setting that is clearly worse, and touches nothing else', (t) => {
    if (ok('doctor').includes('instruction_set                portable')) return t.skip('this machine has one instruction set');
    const text = (isa) => `{\n\t"server": {"port": 1234},\n\t"engine": {"isa":   "${isa}", "threads": 1, "pin":false,"batching": true}\n}\n`;
    configure(text('portable'));
    chmodSync(config, 0o600);
    const threads = { LITETTS_ENGINE_THREADS: '1' };
    assert.match(ok('tune', '-n', '--seconds', '8', '--set', 'engine.isa=portable', threads),
      /^Not written to .*config\.json:\n  engine\.isa = \w+, which was portable \(flag\): .*\n    the command line still comes before/m);
    assert.equal(readFileSync(config, 'utf8'), text('portable'));
    symlinkSync(config, at('link.json'));
    const said = ok('tune', '--seconds', '8', '--config', at('link.json'), threads);
    assert.match(said, /^Written to .*config\/litetts\/config\.json:\n  engine\.isa = \w+, which was portable \(.*link\.json\): \d+\.\d\d times as fast$/m);
    assert.match(said, /^ +portable +0\.\d\d .* in force$/m);
    const now = readFileSync(config, 'utf8').replace(/"threads": \d+/, '"threads": 1'); // all CPUs may be faster, or not
    const isa = JSON.parse(now).engine.isa; // "auto", unless a lesser set is faster for so small a model
    assert.notEqual(isa, 'portable');
    assert.equal(now.replace('"pin":true', '"pin":false').replace('"batching": false', '"batching": true'), text(isa));
    assert.equal(statSync(config).mode & 0o777, 0o600);
    rmSync(config);
  });

  test('tune writes where it is told to', (t) => {
    const { settings, file, written, instruction_set: best } = tune('--set', 'engine.isa=portable', '--output', at('new/tuned.json'));
    if (best === 'portable') return t.skip('this machine has one instruction set');
    assert.notEqual(settings['engine.isa'].value, 'portable');
    assert.equal(settings['engine.isa'].origin, 'flag');
    assert.equal(written, true);
    assert.equal(file, at('new/tuned.json'));
    assert.equal(JSON.parse(readFileSync(file)).engine.isa, settings['engine.isa'].value);
    assert.ok(!existsSync(config));
    refused(/cannot make a temporary file/, 'tune', '-q', '--seconds', '8', '--set', 'engine.isa=portable', '-o', '/proc/tuned.json');
  });

  test('without a model tune says what there is to measure', () => {
    const none = { XDG_DATA_HOME: at('nowhere') };
    const text = ok('tune', none);
    assert.match(text, /^There is no Kokoro model \('litetts pull kokoro' fetches one\)/);
    assert.match(text, /^cache +hit +\d+ /m);
    assert.match(text, /nothing to change\.\n$/);
    assert.match(ok('tune', '--set', 'cache.memory_bytes=0', none), /^cache +off/m);
    refused(/cannot open 'missing\.gguf'/, 'tune', '--model', 'missing.gguf');
    refused(/--seconds takes a number from 1/, 'tune', '--seconds', '0');
  });
});
