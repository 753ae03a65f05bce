/**
 * Files that appear whole: written beside, in the working folder, and renamed into place.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { spec } from './spec.mjs';

let made = 0;

/** A file of our own in the working folder of an experiment, with `bytes` in it. Gives its path and its open descriptor. */
export function draft(folder, bytes) {
  const tmp = path.join(folder, spec.layout.tmp);
  fs.mkdirSync(tmp, { recursive: true });
  const place = path.join(tmp, `${process.pid}-${(made += 1)}`);
  const descriptor = fs.openSync(place, 'wx');
  try {
    writeAll(descriptor, bytes, 0);
    fs.fsyncSync(descriptor);
  } catch (error) {
    fs.closeSync(descriptor);
    fs.rmSync(place, { force: true });
    throw error;
  }
  return { place, descriptor };
}

/** Write `bytes` at `position`, also where the system takes them in pieces. */
export function writeAll(descriptor, bytes, position) {
  for (let done = 0; done < bytes.length;) {
    done += fs.writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

/** Put `bytes` at `name` in one step; what was there is replaced. Gives the open descriptor where it is to be kept. */
export function put(folder, name, bytes, { keepOpen = false } = {}) {
  const { place, descriptor } = draft(folder, bytes);
  try {
    move(place, path.join(folder, name));
  } catch (error) {
    fs.closeSync(descriptor);
    throw error;
  }
  if (keepOpen) return descriptor;
  fs.closeSync(descriptor);
  return null;
}

/** Put a copy of the file at `source` in place of `name` in one step. */
export function putCopy(folder, name, source) {
  const { place, descriptor } = draft(folder, Buffer.alloc(0));
  fs.closeSync(descriptor);
  try {
    fs.copyFileSync(source, place);
    syncPath(place);
  } catch (error) {
    fs.rmSync(place, { force: true });
    throw error;
  }
  move(place, path.join(folder, name));
}

/** Raises EEXIST where a folder holds a file: experiments of 1.0 have no begin.json. */
export function checkFree(folder) {
  const entries = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  if (!entries.every((entry) => entry.isDirectory())) throw Object.assign(new Error(`${folder} has files`), { code: 'EEXIST' });
}

/** Create `name` with `bytes`, whole from the beginning; raises EEXIST where it is there. */
export function claim(folder, name, bytes) {
  const { place, descriptor } = draft(folder, bytes);
  fs.closeSync(descriptor);
  try {
    fs.linkSync(place, path.join(folder, name));
  } finally {
    fs.rmSync(place, { force: true });
  }
}

function move(from, to) {
  try {
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.renameSync(from, to);
  } catch (error) {
    fs.rmSync(from, { force: true });
    throw error;
  }
}

/** Make what was written there, or the entries of a folder, last through a loss of power. */
export function syncPath(place) {
  const descriptor = fs.openSync(place, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Size and sum of a file, read in pieces, because a model may be larger than the memory. */
export function measured(place) {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1 << 20);
  const descriptor = fs.openSync(place, 'r');
  try {
    let bytes = 0;
    for (let got; (got = fs.readSync(descriptor, piece)) > 0; bytes += got) hash.update(piece.subarray(0, got));
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    fs.closeSync(descriptor);
  }
}
