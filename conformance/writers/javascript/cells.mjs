/**
 * How a value is written: in a cell of a series, and in JSON.
 *
 * A Number is a double, so an integral one is digits below 2^53 and has an exponent from there on. A BigInt is
 * digits as far as 64 bits go. What had to be mended is counted in a tally, `{texts: 1}`.
 */
import { Misuse, spec } from './spec.mjs';

const { series, json, text } = spec;

// The white space of rule series.names; JavaScript's own \s is another.
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const NEEDS_QUOTES = new RegExp(`[,"\\r\\n]|^[${SPACE}\\ufeff]|[${SPACE}]$`);

/** The finite double `x`, as short as it reads back exactly. */
export function spellFloat(x) {
  if (Object.is(x, -0)) return '-0.0';
  return Number.isInteger(x) && Math.abs(x) >= series.exact_integer_max ? x.toExponential() : String(x);
}

/** The cell of a value. */
export function cell(value, tally) {
  switch (typeof value) {
    case 'string': return quoted(mended(value, tally, true));
    case 'boolean': return value ? series.true : series.false;
    case 'number': return numberCell(value);
    case 'bigint': return integerCell(value, tally);
    case 'undefined': return series.missing;
    default: if (value === null) return series.missing;
  }
  throw new Misuse('series.value', `a cell is a text, a number, a boolean or missing, and not ${described(value)}`);
}

/** A field of a header, quoted only where it must be. */
export const headerCell = (field) => (NEEDS_QUOTES.test(field) ? quoted(field) : field);

const quoted = (content) => `"${content.replaceAll('"', '""')}"`;

function numberCell(x) {
  if (Number.isNaN(x)) return series.nan;
  if (!Number.isFinite(x)) return x > 0 ? series.infinity : `-${series.infinity}`;
  return spellFloat(x);
}

function integerCell(value, tally) {
  if (BigInt.asIntN(64, value) === value) return value.toString();
  count(tally, spec.loss.integers);
  return numberCell(Number(value));
}

function mended(content, tally, inCell) {
  const better = inCell ? content.toWellFormed().replaceAll('\0', text.replacement) : content.toWellFormed();
  if (better !== content) count(tally, spec.loss.texts);
  return better;
}

/** A text as UTF-8; half a character becomes U+FFFD. */
export const textBytes = (content, tally) => Buffer.from(mended(content, tally, false), 'utf8');

function count(tally, loss) {
  tally[loss] = (tally[loss] ?? 0) + 1;
}

/** Whether a value is a table of names and values, and no object of some class. */
export function isTable(value) {
  if (typeof value !== 'object' || value === null) return false;
  return [Object.prototype, null].includes(Object.getPrototypeOf(value));
}

/** A value as strict JSON; a `Map` is an object, too, with numbers among its keys. */
export function jsonText(value, tally, depth = 0) {
  if (typeof value === 'string') return JSON.stringify(mended(value, tally, false));
  if (typeof value === 'boolean' || value === null) return String(value);
  if (typeof value === 'number') return jsonNumber(value);
  if (typeof value === 'bigint') return jsonInteger(value, tally);
  const isArray = Array.isArray(value);
  if (!isArray && !isTable(value) && !(value instanceof Map)) {
    throw new Misuse('json.value', `JSON has no place for ${described(value)}`);
  }
  if (depth >= json.max_depth) throw new Misuse('json.depth', `a value may be ${json.max_depth} tables deep, and not contain itself`);
  // Array.from, because map() would skip the holes of a sparse array.
  if (isArray) return `[${Array.from(value, (item) => jsonText(item, tally, depth + 1)).join(', ')}]`;
  return jsonObject(value instanceof Map ? value : Object.entries(value), tally, depth + 1);
}

function jsonObject(entries, tally, depth) {
  const members = new Map();
  for (const [key, value] of entries) {
    const name = jsonKey(key, tally);
    if (members.has(name)) throw new Misuse('json.keys', `two keys have the text ${name}`);
    members.set(name, jsonText(value, tally, depth));
  }
  return `{${Array.from(members, ([name, member]) => `${name}: ${member}`).join(', ')}}`;
}

function jsonKey(key, tally) {
  if (typeof key === 'string') return JSON.stringify(mended(key, tally, false));
  if (typeof key === 'number' || typeof key === 'bigint') return JSON.stringify(typeof key === 'bigint' ? String(key) : spellFloat(key));
  throw new Misuse('json.value', `a key is a text or a number, and not ${described(key)}`);
}

function jsonNumber(x) {
  if (Number.isNaN(x)) return JSON.stringify(json.nan);
  if (!Number.isFinite(x)) return JSON.stringify(x > 0 ? json.infinity : json.negative_infinity);
  return spellFloat(x);
}

function jsonInteger(value, tally) {
  if (Number.isFinite(Number(value))) return value.toString();
  count(tally, spec.loss.integers);
  return jsonNumber(Number(value));
}

function described(value) {
  if (typeof value !== 'object' || value === null) return typeof value;
  return `an object of ${value.constructor?.name ?? 'no class'}`;
}
