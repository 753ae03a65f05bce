/**
 * A series: one file, one write a row.
 */
import fs from 'node:fs';

import { cell, headerCell, isTable } from './cells.mjs';
import { put, writeAll } from './files.mjs';
import { Misuse, now, spec } from './spec.mjs';

const { date_field: dateField } = spec.series;

/** The caller's fields, copied; what cannot be a header is refused. */
export function checkedFields(fields) {
  const refuse = (why) => { throw new Misuse('series.fields', why); };
  if (!Array.isArray(fields) || !fields.length) refuse('a series has a list of at least one field');
  for (const field of fields) {
    if (typeof field !== 'string' || !field || !field.isWellFormed() || field.includes('\0')) refuse('a field is a text, not empty, without NUL');
    if (field === dateField) refuse(`a column ${dateField} is added to every series`);
  }
  if (new Set(fields).size < fields.length) refuse('a field stands there twice');
  return [...fields];
}

/** Refuse a number of rows that is none. A folder has nothing to publish, so the number does nothing more here. */
export function checkSaveEvery(saveEvery) {
  if (saveEvery === undefined || saveEvery === null || (Number.isInteger(saveEvery) && saveEvery >= 1)) return;
  throw new Misuse('series.save-every', `saveEvery is a whole number of at least 1, and not ${String(saveEvery)}`);
}

export class Series {
  #fields;
  #losses;
  #descriptor = null;
  #end = 0; // where the last whole row ends
  #torn = false; // whether something of a row that was refused may stand behind it

  constructor(folder, name, fields, losses) {
    this.#fields = fields;
    this.#losses = losses;
    const header = Buffer.from(`${[...fields, dateField].map(headerCell).join(',')}\n`, 'utf8');
    losses.guard(spec.loss.artifacts, name, () => {
      this.#descriptor = put(folder, name, header, { keepOpen: true });
      this.#end = header.length;
    });
  }

  /** Record a row. */
  log(row) {
    const tally = {};
    const line = Buffer.from(this.#spelled(row, tally), 'utf8');
    this.#losses.guard(spec.loss.rows, 'a row', () => this.#append(line));
    this.#losses.add(tally);
  }

  #spelled(row, tally) {
    if (!isTable(row)) throw new Misuse('series.row', 'a row is an object of fields and values');
    const unknown = Object.keys(row).find((field) => !this.#fields.includes(field));
    if (unknown !== undefined) {
      throw new Misuse('series.row', `no field is called ${JSON.stringify(unknown)}; there are ${this.#fields.join(', ')}`);
    }
    // A field such as "constructor" is one of the row only where the caller put it there.
    const cells = this.#fields.map((field) => cell(Object.hasOwn(row, field) ? row[field] : null, tally));
    return `${[...cells, now()].join(',')}\n`;
  }

  #append(line) {
    if (this.#descriptor === null) throw new Error('its series could not be created');
    if (this.#torn) this.#cut();
    this.#torn = true;
    try {
      writeAll(this.#descriptor, line, this.#end);
    } catch (error) {
      this.#cut();
      throw error;
    }
    this.#end += line.length;
    this.#torn = false;
  }

  #cut() {
    fs.ftruncateSync(this.#descriptor, this.#end);
    this.#torn = false;
  }

  flush() {
    if (this.#descriptor !== null) fs.fsyncSync(this.#descriptor);
  }

  close() {
    if (this.#descriptor === null) return;
    fs.closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
