#!/usr/bin/env node
// Draws one split of the face data set: images.npy, maps.npy and faces.jsonl. See README.md.

import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { npyHeader } from './npy.mjs';
import { MOST_PER_PERSON, SPLITS, people, picture } from './people.mjs';
import { SIZE, drawMap, drawPicture } from './raster.mjs';

const USAGE = 'usage: node draw.mjs --out DIR --split train|validation|test --people N [--per-person K] [--workers W]';

const shapes = (count) => ({ 'images.npy': [count, SIZE, SIZE, 3], 'maps.npy': [count, SIZE, SIZE] });

function readArguments() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' }, split: { type: 'string' }, people: { type: 'string' },
      'per-person': { type: 'string', default: '4' }, workers: { type: 'string', default: '2' },
    },
  });
  const [count, perPerson, workers] = [values.people, values['per-person'], values.workers].map(Number);
  const numbersFine = [count, perPerson, workers].every((n) => Number.isInteger(n) && n > 0);
  if (!values.out || !SPLITS.includes(values.split) || !numbersFine || perPerson > MOST_PER_PERSON) {
    console.error(USAGE);
    process.exit(2);
  }
  return { out: values.out, split: values.split, count, perPerson, workers };
}

function line(split, somebody, index) {
  const { seed, design, attributes, words, caption } = picture(split, somebody, index.k);
  return JSON.stringify({
    index: index.picture, seed, style: design.name, person: somebody.id, person_index: somebody.index, caption,
    ...words, design: attributes,
  });
}

/** A worker draws every W-th person straight into its place in the files. */
async function work({ folder, split, count, perPerson, workers, worker }) {
  const open = Object.entries(shapes(count * perPerson)).map(([name, shape]) => ({
    file: fs.openSync(path.join(folder, name), 'r+'),
    start: npyHeader(shape).length,
    draw: name === 'images.npy' ? drawPicture : drawMap,
  }));
  for (const somebody of people(split, count).filter(({ index }) => index % workers === worker)) {
    const lines = [];
    for (let k = 0; k < perPerson; k++) {
      const index = { k, picture: somebody.index * perPerson + k };
      const { design, attributes } = picture(split, somebody, k);
      for (const { file, start, draw } of open) {
        const bytes = draw(design, attributes);
        fs.writeSync(file, bytes, 0, bytes.length, start + index.picture * bytes.length);
      }
      lines.push(line(split, somebody, index));
    }
    parentPort.postMessage({ person: somebody.index, lines });
    // The renderer's pictures live outside the JavaScript heap and are only freed between turns of the event loop.
    await setImmediate();
  }
  for (const { file } of open) fs.closeSync(file);
}

function makeEmptyFiles(folder, count) {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, shape] of Object.entries(shapes(count))) {
    const header = npyHeader(shape);
    fs.writeFileSync(path.join(folder, name), header);
    fs.truncateSync(path.join(folder, name), header.length + shape.reduce((a, b) => a * b));
  }
}

function progress(total) {
  const began = Date.now();
  let shown = began;
  return (done) => {
    if (done < total && Date.now() - shown < 10_000) return;
    shown = Date.now();
    const rate = done / ((shown - began) / 1000);
    console.log(`${done}/${total} pictures, ${rate.toFixed(0)} a second, ${((total - done) / rate).toFixed(0)} s left`);
  };
}

async function main() {
  const { out, split, count, perPerson, workers } = readArguments();
  const folder = path.join(out, split);
  // Under this name until complete, so that nobody reads half a data set.
  const partial = path.join(out, `.${split}.partial`);
  makeEmptyFiles(partial, count * perPerson);

  const report = progress(count * perPerson);
  const lines = [];
  let done = 0;
  await Promise.all(Array.from({ length: workers }, (_, worker) => new Promise((resolve, reject) => {
    new Worker(fileURLToPath(import.meta.url), {
      workerData: { folder: partial, split, count, perPerson, workers, worker },
    }).on('message', (message) => {
      lines[message.person] = message.lines.join('\n');
      done += perPerson;
      report(done);
    }).on('error', reject).on('exit', resolve);
  })));

  fs.writeFileSync(path.join(partial, 'faces.jsonl'), `${lines.join('\n')}\n`);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.renameSync(partial, folder);
  console.log(`${folder}: ${done} pictures of ${count} people`);
}

if (isMainThread) await main();
else await work(workerData);
