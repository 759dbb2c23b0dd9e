// library.test.mjs: the library as it is installed: a user's compiler, pkg-config, the example, shared and static.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodedSeconds } from './speech.mjs';

const build = dirname(resolve(process.env.LITETTS_TEST_PROGRAM));
const example = join(dirname(fileURLToPath(import.meta.url)), '../../examples/hello.c');
const folder = mkdtempSync(join(tmpdir(), 'litetts-library-'));
const root = join(folder, 'root');
const run = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', ...options });
const find = (name) => join(root, run('find', ['.', '-name', name], { cwd: root }).trim().split('\n')[0]);
test.after(() => rmSync(folder, { recursive: true }));

test('meson install honours DESTDIR', () => {
  run('meson', ['install', '-C', build, '--quiet'], { env: { ...process.env, DESTDIR: root } });
  for (const name of ['litetts', 'liblitetts.so', 'liblitetts.a', 'litetts.pc', 'litetts.h', 'litetts.1'])
    assert.notEqual(find(name), root, `${name} is installed`);
});

test('only lt_ names are exported', () => {
  const shared = run('nm', ['-D', '--defined-only', find('liblitetts.so')]);
  const fixed = run('nm', ['-g', '--defined-only', find('liblitetts.a')]);
  for (const line of `${shared}${fixed}`.split('\n').filter((l) => / [A-Z] /.test(l)))
    assert.match(line, / A LITETTS_\d| T lt_\w+(@@LITETTS_\d)?$/);
  assert.match(shared, /lt_speak@@LITETTS_0/);
});

test('who links the library does not link what only downloads need', () => {
  assert.doesNotMatch(run('readelf', ['-d', find('liblitetts.so')]), /NEEDED.*(curl|zip)/);
});

test('libraries that few runs need are not opened with the program', () => {
  for (const file of [process.env.LITETTS_TEST_PROGRAM, find('liblitetts.so')])
    assert.doesNotMatch(run('readelf', ['-d', file]), /NEEDED.*(avcodec|curl|espeak|flite_cmu_us)/);
});

test('the example compiles with pkg-config against the installed library and speaks', () => {
  const pc = dirname(find('litetts.pc'));
  const env = { ...process.env, PKG_CONFIG_PATH: pc, PKG_CONFIG_SYSROOT_DIR: root };
  const flags = run('pkg-config', ['--cflags', '--libs', 'litetts'], { env }).trim().split(/\s+/);
  const hello = join(folder, 'hello');
  run('cc', ['-Wall', '-Wextra', '-Werror', example, '-o', hello, ...flags]);
  const wav = join(folder, 'hello.wav');
  const said = run(hello, ['Hello from C.', wav], { env: { ...process.env, LD_LIBRARY_PATH: dirname(find('liblitetts.so')) } });
  assert.match(said, /s of audio/);
  assert.ok(decodedSeconds(wav) > 0.5);
  assert.throws(() => run(hello, ['caf\xe9', join(folder, 'x.xyz')], { stdio: 'pipe', env: { ...process.env, LD_LIBRARY_PATH: dirname(find('liblitetts.so')) } }));
});

test('the example links the static library, too', () => {
  const env = { ...process.env, PKG_CONFIG_PATH: dirname(find('litetts.pc')), PKG_CONFIG_SYSROOT_DIR: root };
  const flags = run('pkg-config', ['--cflags', '--libs', '--static', 'litetts'], { env }).trim().split(/\s+/);
  const hello = join(folder, 'hello-static');
  run('cc', [example, '-o', hello, ...flags.map((flag) => (flag === '-llitetts' ? '-l:liblitetts.a' : flag))]);
  const wav = join(folder, 'static.wav');
  assert.match(run(hello, ['Hello from C.', wav]), /s of audio/);
  assert.ok(decodedSeconds(wav) > 0.5);
});

// German has a decimal comma, Turkish an "i" that is not the small letter of "I".
const locales = (() => {
  try {
    mkdirSync(join(folder, 'locale'));
    for (const name of ['de_DE', 'tr_TR'])
      run('localedef', ['-i', name, '-f', 'UTF-8', join(folder, `locale/${name}.UTF-8`)], { stdio: 'pipe' });
    return true;
  } catch {
    return false; // no such program, or none of its sources
  }
})();

test('numbers, names and words are read alike in every locale', { skip: locales ? false : 'no localedef' }, () => {
  writeFileSync(join(folder, 'config.json'), '{"voice": {"speed": 1.25}, "target": {"rtf": "0.5"}}');
  writeFileSync(join(folder, 'locale.c'), `
    #include <litetts/litetts.h>
    #include <locale.h>
    #include <stdio.h>
    static bool add(void *user, const void *bytes, size_t size) {
      for (size_t i = 0; i < size; i++)
        *(unsigned *)user = *(unsigned *)user * 31 + ((const unsigned char *)bytes)[i];
      return true;
    }
    int main(int argc, char **argv) {
      lt_error error = {0};
      lt_config *config = lt_config_new();
      if (argc != 3 || !setlocale(LC_ALL, argv[1]) || lt_config_load_file(config, argv[2], &error) ||
          lt_config_load_environment(config, &error) || lt_config_set(config, "memory.wait_seconds", "2.5", &error))
        return fprintf(stderr, "%s\\n", error.message), 1;
      printf("%s %s %g ", lt_config_get(config, "voice.speed"), lt_config_get(config, "audio.mp3_bitrate"), 1.5);
      lt_engine *engine;
      lt_request request;
      unsigned sum = 0;
      lt_request_init(&request);
      request.text = "I, IGOR, live in ISTANBUL.";
      request.voice = "kal16";
      request.format = LT_FORMAT_PCM;
      request.write = add;
      request.user = &sum;
      if (lt_engine_open(config, &engine, &error) || lt_speak(engine, &request, NULL, &error))
        return fprintf(stderr, "%s\\n", error.message), 1;
      printf("%u", sum);
      lt_engine_close(engine);
      lt_config_free(config);
      return 0;
    }`);
  const library = find('liblitetts.so'), program = join(folder, 'locale-test');
  run('cc', [join(folder, 'locale.c'), '-o', program, `-I${join(dirname(find('litetts.h')), '..')}`, `-L${dirname(library)}`, '-llitetts']);
  const env = { ...process.env, LD_LIBRARY_PATH: dirname(library), LOCPATH: join(folder, 'locale'), LITETTS_AUDIO_MP3_BITRATE: '64' };
  const said = ['C', 'de_DE.UTF-8', 'tr_TR.UTF-8'].map((name) => run(program, [name, join(folder, 'config.json')], { env }).split(' '));
  assert.deepEqual(said.map((words) => words.slice(0, 3)), [['1.25', '64', '1.5'], ['1.25', '64', '1,5'], ['1.25', '64', '1,5']]);
  assert.ok(said.every((words) => words[3] === said[0][3]), 'the same sound');
});

test('the header compiles as strict C and C++, old and new', () => {
  const include = join(dirname(find('litetts.h')), '..');
  const source = '#include <litetts/litetts.h>\nint main(void) { return lt_version() == 0; }\n';
  const strict = ['-pedantic-errors', '-Wall', '-Wextra', '-Werror', `-I${include}`, '-fsyntax-only'];
  for (const standard of ['c99', 'c11', 'c2x']) run('cc', [`-std=${standard}`, ...strict, '-x', 'c', '-'], { input: source });
  for (const standard of ['c++11', 'c++20']) run('c++', [`-std=${standard}`, ...strict, '-x', 'c++', '-'], { input: source });
});
