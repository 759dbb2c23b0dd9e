// first-audio.mjs: how long a client waits for sound, and what a long text costs in memory. Prints a table.
//   node bench/first-audio.mjs build/litetts
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const program = process.argv[2] ?? 'build/litetts';
const source = '/usr/share/common-licenses/GPL-3';
const runs = 15;
const words = readFileSync(source, 'utf8').split(/\s+/);
// another text each time, or the cache would answer
const thousandWords = (first) => words.slice(first, first + 1000).join(' ');
let asked = 0;
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

async function firstAudio(url, format) {
  const times = [];
  for (let run = 0; run <= runs; run++) {
    const began = performance.now();
    const abort = new AbortController();
    const response = await fetch(`${url}/v1/audio/speech`, {
      method: 'POST', signal: abort.signal, headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'tts-1', voice: 'alloy', input: thousandWords(asked++ * 37), response_format: format }),
    });
    // sound, not a header: WAV's first 44 bytes and Ogg's first pages come at once
    let bytes = 0;
    for await (const piece of response.body) if ((bytes += piece.length) > 2048) break;
    if (run > 0) times.push(performance.now() - began); // the first is the warm-up
    abort.abort();
  }
  return times;
}

const server = spawn(program, ['serve', '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
const url = await new Promise((resolve, reject) => {
  let log = '';
  server.stderr.on('data', (data) => {
    const found = /http:\/\/[\d.]+:\d+/.exec(log += data);
    if (found) resolve(found[0]);
  });
  server.on('exit', () => reject(new Error(`the server ended: ${log}`)));
});
console.log(`| first audio over HTTP, text of 1,000 words, ${runs} requests | median | slowest |\n| --- | --- | --- |`);
for (const format of ['pcm', 'mp3', 'opus']) {
  const times = await firstAudio(url, format);
  console.log(`| ${format} | ${median(times).toFixed(0)} ms | ${Math.max(...times).toFixed(0)} ms |`);
}
server.removeAllListeners('exit');
server.kill();

console.log('\n| the whole GPL (35,149 characters) | audio | RTF | peak memory |\n| --- | --- | --- | --- |');
for (const format of ['mp3', 'opus']) {
  const stats = JSON.parse(execFileSync('sh', ['-c', '"$0" say --stats --quiet --format "$1" -o /dev/null -f "$2" 2>&1', program, format, source]));
  console.log(`| ${format} | ${(stats.audio_seconds / 60).toFixed(1)} min | ${stats.real_time_factor.toFixed(3)} | ` +
    `${(stats.peak_memory_bytes / 2 ** 20).toFixed(0)} MiB |`);
}
