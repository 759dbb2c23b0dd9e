// pull.test.mjs: `litetts pull` against a server that misbehaves in every way that servers and networks do.
// LITETTS_TEST_PROGRAM is the program; without the reference data (LITETTS_TEST_SHARED) there is no model to pull.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const program = process.env.LITETTS_TEST_PROGRAM ?? 'build/litetts';
const shared = process.env.LITETTS_TEST_SHARED ?? '../shared';
const tiny = join(shared, 'reference/kokoro-tiny');
const skip = existsSync(join(tiny, 'kokoro-tiny.pth')) ? false : 'the reference data is absent';

/** What is published: the tiny model, its configuration and a voice. */
const files = skip ? {} : {
  'kokoro-tiny.pth': readFileSync(join(tiny, 'kokoro-tiny.pth')),
  'config.json': readFileSync(join(tiny, 'config.json')),
  'voices/af_heart.pt': readFileSync(join(tiny, 'voice.pt')),
};
const manifest = (contents = files) => Object.entries(contents)
  .map(([path, bytes]) => `${createHash('sha256').update(bytes).digest('hex')} ${bytes.length} ${path}\n`).join('');

let folder, server, base, requests, behave;

/** Answers as a good server does. */
function serve(request, response, bytes) {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  if (!range) {
    response.writeHead(200, { 'content-length': bytes.length });
    return response.end(bytes);
  }
  const from = Number(range[1]);
  if (from >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` });
    return response.end();
  }
  response.writeHead(206, {
    'content-length': bytes.length - from,
    'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
  });
  return response.end(bytes.subarray(from));
}

before(() => new Promise((ready) => {
  folder = mkdtempSync(join(tmpdir(), 'litetts-pull-'));
  server = createServer((request, response) => {
    const path = request.url.slice(1);
    requests.push({ path, range: request.headers.range });
    const bytes = files[path];
    if (behave?.(request, response, path, bytes)) return;
    if (bytes) serve(request, response, bytes);
    else response.writeHead(404).end('no such file');
  });
  server.listen(0, '127.0.0.1', () => { base = `http://127.0.0.1:${server.address().port}`; ready(); });
}));
after(() => { server.close(); server.closeAllConnections(); rmSync(folder, { recursive: true }); });

let count = 0;
/** A fresh data folder. */
const newData = () => { const data = join(folder, `data${++count}`); mkdirSync(data); return data; };

function start(data, options = [], text = manifest()) {
  const list = join(folder, `manifest${++count}`);
  writeFileSync(list, text);
  const child = spawn(program, ['pull', 'kokoro', '--data-folder', data, '--manifest', list, '--from', base, ...options]);
  const done = new Promise((resolve) => {
    let said = '';
    child.stderr.on('data', (d) => { said += d; });
    child.on('close', (code, signal) => resolve({ code, signal, said }));
  });
  return { child, done };
}

/** Pulls while the server behaves as told (a function that returns true when it has answered). */
async function pull(data, how, options, text) {
  requests = [];
  behave = how;
  const { code, said } = await start(data, options, text).done;
  return { code, said };
}

const model = (data) => join(data, 'kokoro.gguf');
const part = (data, path = 'kokoro-tiny.pth') => join(data, 'download', `${path}.part`);
const isCheckpoint = (path) => path === 'kokoro-tiny.pth';
const big = files['kokoro-tiny.pth'];

/** The model that a good pull makes, for comparison. */
let wanted;
async function expectModel(data, { code, said }) {
  assert.equal(code, 0, said);
  wanted ??= await (async () => {
    const out = join(folder, 'wanted.gguf');
    execFileSync(program, ['import', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'), '--voices',
      writeVoices(), '-o', out, '-q']);
    return readFileSync(out);
  })();
  assert.ok(readFileSync(model(data)).equals(wanted), 'the model is not what an import makes');
}
function writeVoices() {
  const voices = join(folder, 'voices');
  mkdirSync(voices, { recursive: true });
  writeFileSync(join(voices, 'af_heart.pt'), files['voices/af_heart.pt']);
  return voices;
}

describe('litetts pull', { skip, concurrency: false }, () => {
  test('downloads, checks, imports and cleans up', async () => {
    const data = newData();
    await expectModel(data, await pull(data));
    assert.deepEqual(readdirSync(data).sort(), ['kokoro.gguf', 'pull.lock']);
    assert.equal(requests.length, 3);
    const voices = JSON.parse(execFileSync(program, ['voices', '--json', '--set', `engine.data_folder=${data}`]));
    assert.ok(voices.some((v) => v.name === 'af_heart' && v.backend === 'kokoro' && v.default), 'it is not the default voice');
  });

  test('shows a bar on a terminal, which fits it', async () => {
    const data = newData(), list = join(folder, `manifest${++count}`);
    writeFileSync(list, manifest());
    requests = [];
    behave = (request, response, path, bytes) => {
      if (!isCheckpoint(path)) return false;
      response.writeHead(200, { 'content-length': bytes.length });
      const send = (at) => (at < bytes.length ? response.write(bytes.subarray(at, at + 400000), () => setTimeout(send, 200, at + 400000)) : response.end());
      send(0);
      return true;
    };
    const command = `stty cols 80 rows 24; '${program}' pull kokoro --data-folder '${data}' --manifest '${list}' --from ${base}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm', LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'inherit'] });
    let screen = '';
    child.stdout.on('data', (d) => { screen += d; });
    await new Promise((closed) => child.on('close', closed));
    const frames = screen.split('\r\x1b[K').filter((frame) => frame !== '');
    assert.match(frames.at(-1), /kokoro\.gguf is ready: it is the default voice from now on\r\n$/);
    for (const frame of frames.slice(0, -1)) assert.ok(frame.length < 80 && !frame.includes('\n'), frame);
    assert.ok(frames.some((frame) => /^1\/4 kokoro-tiny\.pth \[#+\.+\] {1,2}\d+ % {2}\d\.\d\/3\.1 MB {2}\d\.\d MB\/s {2}0:0\d left$/.test(frame)), screen);
  });

  test('follows redirects', async () => {
    const data = newData();
    await expectModel(data, await pull(data, (request, response, path) => {
      if (path.startsWith('elsewhere/')) return serve(request, response, files[path.slice(10)]), true;
      return response.writeHead(302, { location: `/elsewhere/${path}` }).end(), true;
    }));
  });

  test('goes on where a connection broke, and asks for no byte twice', async () => {
    const data = newData();
    let sent = 0;
    await expectModel(data, await pull(data, (request, response, path, bytes) => {
      if (!isCheckpoint(path)) return false;
      const from = Number(/\d+/.exec(request.headers.range ?? '0')[0]);
      const piece = bytes.subarray(from, from + 1200000);
      response.writeHead(from ? 206 : 200, {
        'content-length': bytes.length - from,
        ...(from ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
      });
      sent += piece.length;
      response.write(piece, () => setTimeout(() => response.destroy(), 50));
      return true;
    }, ['--tries', '1'])); // each try brings bytes, so none counts
    assert.equal(requests.filter((r) => isCheckpoint(r.path)).length, 3);
    assert.ok(sent <= big.length + 2 * 1200000);
    assert.match(requests.filter((r) => isCheckpoint(r.path))[1].range, /^bytes=[1-9]\d+-$/);
  });

  test('starts over where a server cannot resume', async () => {
    const data = newData();
    mkdirSync(join(data, 'download'));
    writeFileSync(part(data), big.subarray(0, 5000));
    await expectModel(data, await pull(data, (request, response, path, bytes) => {
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      return true;
    }));
    assert.deepEqual(requests.filter((r) => isCheckpoint(r.path)).map((r) => r.range), ['bytes=5000-', undefined]);
  });

  test('starts over when the server answers 416', async () => {
    const data = newData();
    mkdirSync(join(data, 'download'));
    writeFileSync(part(data), big.subarray(0, 5000));
    await expectModel(data, await pull(data, (request, response) =>
      request.headers.range !== undefined && (response.writeHead(416).end(), true)));
  });

  test('starts over when what is there is longer than the file', async () => {
    const data = newData();
    mkdirSync(join(data, 'download'));
    writeFileSync(part(data), Buffer.concat([big, big]));
    await expectModel(data, await pull(data));
  });

  test('fetches a file that changed since its first half once more', async () => {
    const data = newData();
    mkdirSync(join(data, 'download'));
    writeFileSync(part(data), Buffer.alloc(1000000, 'old'));
    await expectModel(data, await pull(data));
    assert.deepEqual(requests.filter((r) => isCheckpoint(r.path)).map((r) => r.range), ['bytes=1000000-', undefined]);
  });

  test('gives a silent server up and tries again', async () => {
    const data = newData();
    let silent = true;
    const result = await pull(data, (request, response, path, bytes) => {
      if (!isCheckpoint(path) || !silent) return false;
      silent = false;
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 100000));
      return true; // and never another byte
    }, ['--timeout', '2']);
    await expectModel(data, result);
    assert.match(result.said, /^litetts: nothing came from http:\S+\.pth for 2 s; trying again$/m);
    assert.equal(requests.filter((r) => isCheckpoint(r.path))[1].range, 'bytes=100000-');
    const never = await pull(newData(), () => true, ['--timeout', '1', '--tries', '1']);
    assert.equal(never.code, 1);
    assert.match(never.said, /^litetts: nothing came from http:\S+\.pth for 1 s: --from names another place$/m);
  });

  test('is not deceived by a wrong length', async () => {
    const data = newData();
    let lies = 2;
    await expectModel(data, await pull(data, (request, response, path, bytes) => {
      if (!isCheckpoint(path) || lies === 0) return false;
      const from = Number(/\d+/.exec(request.headers.range ?? '0')[0]);
      // once the file ends early as if that were all, once more is announced than comes
      const piece = bytes.subarray(from, from + 1000000);
      const announced = lies-- === 2 ? piece.length : bytes.length - from;
      response.writeHead(from ? 206 : 200, {
        'content-length': announced,
        ...(from ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
      });
      response.write(piece, () => setTimeout(() => response.destroy(), 50));
      return true;
    }));
    const long = newData();
    const { code, said } = await pull(long, (request, response, path, bytes) =>
      isCheckpoint(path) && (response.writeHead(200).end(Buffer.concat([bytes, bytes])), true));
    assert.equal(code, 1);
    assert.match(said, /sends more than the 3085649 bytes/);
  });

  test('gives up on 404 at once, on 500 after some tries', async () => {
    const data = newData();
    let answer = await pull(data, (request, response, path) => isCheckpoint(path) && (response.writeHead(404).end(), true));
    assert.equal(answer.code, 1);
    assert.match(answer.said, /answers 404: --from names another place$/m);
    assert.equal(requests.length, 1);
    answer = await pull(data, (request, response, path) => isCheckpoint(path) && (response.writeHead(500).end(), true),
      ['--tries', '2']);
    assert.equal(answer.code, 1);
    assert.match(answer.said, /answers 500: try again later$/m);
    assert.equal(requests.length, 2);
    assert.match(answer.said, /answers 500; trying again$/m);
    answer = await pull(newData(), (request, response, path) => isCheckpoint(path) && (response.writeHead(200).end('log in'), true));
    assert.equal(answer.code, 1);
    assert.match(answer.said, /ends after 6 of 3085649 bytes and cannot be resumed: it is another file/);
    let failures = 1;
    await expectModel(data, await pull(data, (request, response) => failures-- > 0 && (response.writeHead(503).end(), true)));
  });

  test('refuses a file with another checksum', async () => {
    const data = newData();
    const forged = Buffer.from(big);
    forged[2000000] ^= 1;
    const { code, said } = await pull(data, (request, response, path) =>
      isCheckpoint(path) && (serve(request, response, forged), true));
    assert.equal(code, 1);
    assert.match(said, /SHA-256.*: get it again, or name another place with --from$/m);
    assert.ok(!existsSync(model(data)));
    assert.ok(!existsSync(part(data)), 'the wrong file would be gone on with');
    await expectModel(data, await pull(data));
  });

  test('is resumed after Ctrl-C', async () => {
    const data = newData();
    requests = [];
    behave = (request, response, path, bytes) => {
      if (!isCheckpoint(path)) return false;
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 700000));
      return true;
    };
    const { child, done } = start(data);
    while (!existsSync(part(data)) || statSync(part(data)).size < 700000) await new Promise((r) => setTimeout(r, 20));
    child.kill('SIGINT');
    const { code, said } = await done;
    assert.equal(code, 130);
    assert.match(said, /goes on where it stopped/);
    await expectModel(data, await pull(data));
    assert.equal(requests[0].range, 'bytes=700000-');
  });

  test('does not collide with another pull', async () => {
    const data = newData();
    let release;
    requests = [];
    behave = (request, response, path, bytes) => isCheckpoint(path) && (release = () => serve(request, response, bytes), true);
    const first = start(data);
    while (!release) await new Promise((r) => setTimeout(r, 20));
    const second = await start(data).done;
    assert.equal(second.code, 1);
    assert.match(second.said, /another pull is at work/);
    release();
    await expectModel(data, await first.done);
  });

  test('says when the disk is full, and goes on when it is not', async (t) => {
    const data = newData();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', data], { stdio: 'ignore' });
    } catch {
      return t.skip('a small file system cannot be mounted here');
    }
    try {
      const { code, said } = await pull(data);
      assert.equal(code, 1);
      assert.match(said, /cannot write .*No space left on device/);
      execFileSync('mount', ['-o', 'remount,size=32m', data]);
      await expectModel(data, await pull(data));
      assert.match(requests[0].range, /^bytes=[1-9]/);
    } finally {
      execFileSync('umount', [data]);
    }
  });

  test('takes the files from a folder', async () => {
    const data = newData(), mirror = join(folder, 'mirror');
    for (const [path, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(mirror, path)), { recursive: true });
      writeFileSync(join(mirror, path), bytes);
    }
    writeFileSync(join(mirror, 'voices/af_stray.pt'), files['voices/af_heart.pt']); // in no manifest, so never used
    await expectModel(data, await pull(data, undefined, ['--from', mirror]));
    assert.equal(requests.length, 0);
    assert.ok(existsSync(join(mirror, 'kokoro-tiny.pth')), 'the mirror was touched');
    rmSync(join(mirror, 'voices/af_heart.pt'));
    const { code, said } = await pull(newData(), undefined, ['--from', mirror]);
    assert.equal(code, 1);
    assert.match(said, /there is no '.*af_heart\.pt': the folder has to hold the files that 'litetts pull --list' names/);
    const nowhere = await pull(newData(), undefined, ['--from', join(folder, 'nowhere')]);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.said, /neither a folder nor a URL/);
    const other = await pull(newData(), undefined, ['--from', 'ftp://example.com/kokoro']);
    assert.equal(other.code, 2);
    assert.match(other.said, /must begin with https:\/\/ or http:\/\//);
  });

  test('imports all published voices, and its sums are theirs', async (t) => {
    const packed = join(folder, 'npm');
    mkdirSync(packed);
    try {
      execFileSync('npm', ['pack', '--silent', 'kokoro-js@1.2.1'], { cwd: packed, stdio: 'ignore', timeout: 120_000 });
    } catch {
      return t.skip('the npm package kokoro-js, which holds the voices, cannot be fetched');
    }
    execFileSync('tar', ['xzf', readdirSync(packed).find((f) => f.endsWith('.tgz'))], { cwd: packed });
    const voices = join(packed, 'package/voices');
    const published = execFileSync(program, ['pull', 'kokoro', '--list'], { encoding: 'utf8' });
    for (const name of readdirSync(voices)) {
      const bytes = readFileSync(join(voices, name));
      const line = `${createHash('sha256').update(bytes).digest('hex')} ${bytes.length} voices/${name}\n`;
      assert.ok(published.includes(line), `${name} is not the one of the manifest`);
    }
    const data = newData();
    execFileSync(program, ['import', '-q', join(tiny, 'kokoro-tiny.pth'), '--config', join(tiny, 'config.json'),
      '--voices', voices, '-o', model(data)]);
    const listed = JSON.parse(execFileSync(program, ['voices', '--json', '--set', `engine.data_folder=${data}`]))
      .filter((v) => v.backend === 'kokoro');
    assert.deepEqual(listed.map((v) => `${v.name}.bin`).sort(), readdirSync(voices).sort());
    assert.equal(listed.length, 54);
    assert.ok(listed.every((v) => v.language && v.sex === (v.name[1] === 'f' ? 'female' : 'male')));
    assert.equal(listed.filter((v) => !/no text yet/.test(v.summary)).length, 41);
    const speak = (voice) => execFileSync(program, ['say', '--format', 'pcm', '--set', `engine.data_folder=${data}`, '-v', voice,
      '--phonemes', 'həlˈO']).toString('base64');
    const names = listed.map((v) => v.name), heard = new Set(names.map(speak));
    assert.equal(heard.size, 54, 'two voices sound alike');
    for (let i = 0; i < 54; i += 16) heard.add(speak(names.slice(i, i + 16).join('+')));
    assert.equal(heard.size, 58);
  });

  test('lists what it would download', () => {
    const lines = execFileSync(program, ['pull', 'kokoro', '--list'], { encoding: 'utf8' }).trim().split('\n');
    assert.equal(lines.filter((l) => /^[0-9a-f]{64} \d+ voices\/[a-z]{2}_[a-z]+\.bin$/.test(l)).length, 54);
    assert.equal(lines.filter((l) => /^base https:\/\//.test(l)).length, 3);
  });
});
