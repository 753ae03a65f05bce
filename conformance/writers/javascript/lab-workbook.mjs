/**
 * A lab workbook for JavaScript: experiments as plain files in a folder.
 *
 *     import { newExperiment } from './lab-workbook.mjs';
 *
 *     const workbook = newExperiment({ bucketPrefix: '~/experiments', note: 'wider layers' });
 *     workbook.saveJSON('options', { learningRate: 0.001 });
 *     const lossLog = workbook.newTimeSeriesLog('Training loss', ['epoch', 'loss']);
 *     lossLog({ epoch: 1, loss: 0.25 });
 *     workbook.close();
 *
 * Written from spec/v1/SPEC.md alone, as a third writer for the conformance kit. It knows no buckets.
 */
import fs from 'node:fs';
import path from 'node:path';

import { jsonText, textBytes } from './cells.mjs';
import { isDisabled, setting } from './config.mjs';
import { unwatch, watch } from './exits.mjs';
import { checkFree, claim, measured, put, putCopy, syncPath } from './files.mjs';
import { gitStatus } from './git.mjs';
import { Losses } from './losses.mjs';
import { checkTag, folderOf, Names, newTag } from './names.mjs';
import { thisProcess } from './process.mjs';
import { checkedFields, checkSaveEvery, Series } from './series.mjs';
import { Misuse, now, spec } from './spec.mjs';

export { Misuse } from './spec.mjs';
export { read } from './reader.mjs';

export const version = '0.1.0';
const { kind, layout, outcome } = spec;

/** An address that is right, but that this writer does not serve. */
export class Unsupported extends Error {}

/**
 * Start an experiment.
 *
 * Options: `bucketPrefix`, a folder (else the configuration decides), `tag` (else a fresh one), `note`, `resumes`.
 * With LAB_WORKBOOK_DISABLED every verb of what it gives does nothing.
 */
export function newExperiment(options = {}) {
  if (isDisabled()) return new DisabledWorkbook(options.tag ?? newTag());
  const { bucketPrefix, tag = newTag(), ...said } = options;
  checkTag(tag);
  checkSaid(said);
  const place = folderOf(setting('bucketPrefix', bucketPrefix));
  if (place === null) throw new Unsupported('this writer knows folders only, and no buckets');
  return new Workbook(place, tag, said);
}

function checkSaid(said) {
  for (const [key, value] of Object.entries(said)) {
    if (!['note', 'resumes'].includes(key)) throw new TypeError(`newExperiment has no option ${key}`);
    if (typeof value !== 'string') throw new Misuse('begin.optional', `${key} is a text`);
  }
}

class Workbook {
  #names = new Names();
  #logs = [];
  #losses = new Losses();
  #open = true;

  constructor(place, tag, said) {
    this.tag = tag;
    this.folder = path.join(place, tag);
    this.#begin(said);
    watch(this);
  }

  #begin(said) {
    const { name, version: spoken } = spec.protocol;
    const begin = {
      protocol: `${name} ${spoken}`, tag: this.tag, writer: `lab-workbook javascript ${version}`,
      runtime: `Node.js ${process.versions.node}`, started: now(), ...thisProcess(), ...said,
    };
    try {
      checkFree(this.folder);
      this.#document((bytes) => claim(this.folder, layout.begin, bytes), begin);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      throw new Misuse('tag.claim', `the experiment ${this.tag} exists already`);
    }
  }

  #document(write, value) {
    const tally = {};
    write(Buffer.from(`${jsonText(value, tally)}\n`, 'utf8'));
    this.#losses.add(tally);
  }

  /** Save a value as JSON. */
  saveJSON(name, value) {
    const tally = {};
    this.#save(name + kind.json.suffix, () => Buffer.from(`${jsonText(value, tally)}\n`, 'utf8'));
    this.#losses.add(tally);
  }

  /** Save a text under the name as given. */
  saveText(name, text) {
    if (typeof text !== 'string') throw new TypeError('saveText saves a text');
    const tally = {};
    this.#save(name, () => textBytes(text, tally));
    this.#losses.add(tally);
  }

  /** Save a copy of the file at `source` under the name as given. */
  saveFile(name, source) {
    this.#check(name);
    fs.accessSync(source, fs.constants.R_OK); // a file that is not there is the script's mistake, so this raises
    if (fs.statSync(source).isDirectory()) throw new TypeError(`${source} is a folder, and saveFile saves a file`);
    this.#names.take(name);
    this.#losses.guard(spec.loss.artifacts, name, () => putCopy(this.folder, name, source));
  }

  /** Save the commit of the working directory's repository, and what has been changed since. */
  saveGitStatus(name = spec.git.default_name) {
    const names = ['git_commit', 'git_patch'].map((each) => [each, name + kind[each].suffix]);
    for (const [, artifact] of names) this.#check(artifact);
    this.#losses.guard(null, 'the state of the source', () => {
      const status = gitStatus();
      for (const [each, artifact] of names) this.#save(artifact, () => status[each]);
    });
  }

  /** Start a series. Gives a function that logs a row, with a value for each field that it knows. */
  newTimeSeriesLog(name, fields, saveEvery) {
    const artifact = name + kind.series.suffix;
    this.#check(artifact, true);
    const checked = checkedFields(fields);
    checkSaveEvery(saveEvery);
    this.#names.take(artifact, true);
    const series = new Series(this.folder, artifact, checked, this.#losses);
    this.#logs.push(series);
    return (row) => {
      this.#refuseClosed();
      series.log(row);
    };
  }

  /** When it has returned, all that was recorded survives a loss of power. */
  flush() {
    if (!this.#open) return;
    this.#losses.guard(null, 'flush', () => {
      for (const series of this.#logs) series.flush();
      for (const folder of this.#folders()) syncPath(folder);
    });
  }

  #folders() {
    const inside = this.#names.all().map((name) => path.dirname(path.join(this.folder, name)));
    const all = new Set([path.dirname(this.folder), this.folder, path.join(this.folder, layout.reserved), ...inside]);
    return [...all].filter((folder) => fs.existsSync(folder));
  }

  /** End the experiment; with an error, as one that failed. */
  close(error = null) {
    if (this.#open) this.end(error ? outcome.failed : outcome.finished, error);
  }

  /** How it ended is said by `close`, or by the way in which the script was left. */
  end(how, error) {
    this.flush();
    this.#open = false;
    unwatch(this);
    for (const series of this.#logs) series.close();
    this.#losses.guard(null, layout.end, () => this.#writeEnd(how, error));
  }

  #writeEnd(how, error) {
    const end = {
      ended: now(), outcome: how, error: error && { type: String(error.name), message: String(error.message) },
      lost: this.#losses.counts, files: this.#files(),
    };
    this.#document((bytes) => put(this.folder, layout.end, bytes), end);
    fs.rmSync(path.join(this.folder, layout.tmp), { recursive: true, force: true });
    syncPath(path.join(this.folder, layout.reserved));
  }

  #files() {
    const published = [layout.begin, ...this.#names.all()].filter((name) => fs.existsSync(path.join(this.folder, name)));
    return Object.fromEntries(published.map((name) => [name, measured(path.join(this.folder, name))]));
  }

  #check(name, isSeries) {
    this.#refuseClosed();
    this.#names.check(name, isSeries);
  }

  #save(name, bytes) {
    this.#check(name);
    const content = bytes(); // before the name is taken: a value that is refused takes none
    this.#names.take(name);
    this.#losses.guard(spec.loss.artifacts, name, () => put(this.folder, name, content));
  }

  #refuseClosed() {
    if (!this.#open) throw new Misuse('end.last', `the experiment ${this.tag} is closed`);
  }
}

/** What `newExperiment` gives where workbooks are switched off. */
class DisabledWorkbook {
  constructor(tag) {
    this.tag = tag;
    this.folder = null;
  }

  saveJSON() {}
  saveText() {}
  saveFile() {}
  saveGitStatus() {}
  newTimeSeriesLog() { return () => {}; }
  flush() {}
  close() {}
}
