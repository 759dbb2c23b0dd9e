// speech.mjs: listening to what was spoken: decoding with ffmpeg, recognising with pocketsphinx, word error rate.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The text that Debian ships, about 35,000 characters. */
export const gpl = () => readFileSync('/usr/share/common-licenses/GPL-3', 'utf8');

/** Seconds of audio in a file, found by decoding all of it. */
export function decodedSeconds(path) {
  const raw = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-ar', '8000', '-'],
    { maxBuffer: 1 << 30 });
  return raw.length / 2 / 8000;
}

/** What pocketsphinx hears in an audio file. */
export function recognise(path) {
  const wav = `${path}.16k.wav`;
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', path, '-ac', '1', '-ar', '16000', wav]);
  return execFileSync('pocketsphinx_continuous', ['-infile', wav, '-logfn', '/dev/null'], { encoding: 'utf8' });
}

const words = (text) => text.toLowerCase().replaceAll('’', "'").replace(/[^a-z' ]/g, ' ').split(/\s+/).filter(Boolean);

/** Errors (substitutions, insertions, deletions) and words of a reference. */
export function wordErrors(reference, heard) {
  const r = words(reference), h = words(heard);
  const row = h.map((_, j) => j + 1);
  row.unshift(0);
  for (let i = 1; i <= r.length; i++) {
    let diagonal = row[0];
    row[0] = i;
    for (let j = 1; j <= h.length; j++) {
      const change = diagonal + (r[i - 1] === h[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = Math.min(change, row[j] + 1, row[j - 1] + 1);
    }
  }
  return { errors: row[h.length], words: r.length };
}

/** The whole sentences of a text that have letters and plain punctuation only. */
export const plainSentences = (text) => text.split(/\n\s*\n/).map((p) => p.replace(/\s+/g, ' ').trim())
  .flatMap((p) => p.split(/(?<=[.;:])\s+(?=[A-Z])/)).filter((s) => /^[A-Z][A-Za-z ,']{40,180}\.$/.test(s));

/** `count` different members of a list, by a seed that is printed so that a failure can be repeated. */
export function sample(list, count, seed) {
  let state = seed >>> 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const left = [...list];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(Math.floor(random() * left.length), 1)[0]);
}
