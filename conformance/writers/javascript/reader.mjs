/**
 * A reader of experiments in a folder, of protocol 1.1 and of 1.0.
 *
 *     const experiment = read('~/experiments', '201602122149-PMJ8a76csB');
 *     experiment.status;                       // 'finished'
 *     experiment.get('Training loss.csv');     // [['epoch', 'loss', 'Date'], [1, 0.25, '2016-02-12T22:17:34Z']]
 *
 * A number is a Number; an integer that no Number tells from its neighbours, beyond 2^53, is a BigInt.
 */
import fs from 'node:fs';
import path from 'node:path';

import { measured } from './files.mjs';
import { folderOf, kindOf } from './names.mjs';
import { parseJSON } from './jsontext.mjs';
import { isAlive } from './process.mjs';
import { tableRows } from './rows.mjs';
import { Misuse, spec } from './spec.mjs';

const { layout, status } = spec;

/** The experiment `tag` under a prefix. */
export function read(prefix, tag) {
  const place = folderOf(prefix);
  if (place === null) throw new Error('this reader knows folders only, and no buckets');
  const folder = place + tag;
  if (!fs.existsSync(folder)) throw new Error(notFound(place, tag));
  return new Experiment(folder, tag);
}

function notFound(place, tag) {
  const glued = place.replace(/\/$/, '') + tag;
  const hint = fs.existsSync(glued) ? `; but there is ${glued}, which a program of 2016 made of a prefix without a slash` : '';
  return `no experiment ${tag} in ${place}${hint}`;
}

class Experiment {
  #folder;
  #begin;
  #end;

  constructor(folder, tag) {
    this.#folder = folder;
    this.tag = tag;
    this.#begin = this.#document(layout.begin);
    this.#end = this.#document(layout.end);
    if (this.#begin) checkVersion(this.#begin);
  }

  #document(name) {
    const place = path.join(this.#folder, name);
    return fs.existsSync(place) ? parseJSON(fs.readFileSync(place)) : null;
  }

  /** What can be said of the experiment; never a guess. */
  get status() {
    if (this.#end) return this.#end.outcome;
    if (!this.#begin) return status.unknown;
    const alive = isAlive(this.#begin) ?? this.#beats();
    if (alive === null) return status.open;
    return alive ? status.running : status.lost;
  }

  // A heartbeat that is still as it was created says nothing once it is old.
  #beats() {
    const beat = this.#document(layout.heartbeat);
    if (!beat) return null;
    const age = (Date.now() - fs.statSync(path.join(this.#folder, layout.heartbeat)).mtimeMs) / 1000;
    if (age < spec.timing.lost_seconds) return true;
    return beat.first ? null : false;
  }

  /** The names of the artifacts, in the order of their bytes. */
  list() {
    const names = this.#under('').map((name) => Buffer.from(name, 'utf8'));
    return names.sort(Buffer.compare).map(String);
  }

  #under(folder) {
    return fs.readdirSync(path.join(this.#folder, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = folder + entry.name;
      if (entry.isDirectory()) return name === layout.reserved ? [] : this.#under(`${name}/`);
      return entry.isFile() ? [name] : [];
    });
  }

  /** An artifact: the rows of a series (null: a plain table), the value of JSON, the bytes of everything else. */
  get(name) {
    if (!this.list().includes(name)) throw new Error(this.#absent(name));
    const bytes = fs.readFileSync(path.join(this.#folder, name));
    this.#checkSum(name);
    switch (kindOf(name)) {
      case 'series': return tableRows(bytes, { quoted: this.#begin !== null });
      case 'json': return parseJSON(bytes);
      default: return bytes;
    }
  }

  #checkSum(name) {
    const listed = this.#end?.files ?? {};
    if (!Object.hasOwn(listed, name)) return;
    const { bytes, sha256 } = measured(path.join(this.#folder, name));
    if (bytes !== listed[name].bytes || ![undefined, sha256].includes(listed[name].sha256)) {
      throw new Error(`${name} is not what end.json says of it: its size or its sum differs`);
    }
  }

  #absent(name) {
    if (Object.hasOwn(this.#end?.files ?? {}, name)) return `${name} is listed in end.json, but gone`;
    return `${this.tag} has no ${name}; it has: ${this.list().join(', ')}`;
  }
}

function checkVersion(begin) {
  const [, major] = new RegExp(`^${spec.protocol.name} ([0-9]+)\\.[0-9]+$`).exec(begin.protocol) ?? [];
  if (Number(major) === spec.protocol.major) return;
  throw new Misuse('begin.version', `this reader does not know ${JSON.stringify(begin.protocol)}`);
}
