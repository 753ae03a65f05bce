/**
 * The rows of a series, from its bytes.
 */
import { spec } from './spec.mjs';

const { series } = spec;
const SPECIAL = new Map([
  [series.missing, null], [series.true, true], [series.false, false], [series.nan, NaN], [`-${series.nan}`, NaN],
  [series.infinity, Infinity], [`-${series.infinity}`, -Infinity],
]);
const INTEGER = /^-?[0-9]+$/;
const FLOAT = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;
// A cell and the comma or line feed that ends it; one whose last quote has not come yet is none.
const CELL = /("[^"]*(?:""[^"]*)*"[^,\n]*|(?!")[^,\n]*)([,\n])/y;

/**
 * The header and the rows; null for a plain table. In files of 1.0 nothing is `quoted`.
 */
export function tableRows(bytes, { quoted = true } = {}) {
  const [header, ...rows] = cellsOf(bytes.toString('utf8'), quoted);
  if (!header?.includes(series.date_field)) return null;
  const dates = header.map((field) => field === series.date_field);
  for (const row of rows) {
    if (row.length !== header.length) throw new Error(`a row has ${row.length} cells, and the header ${header.length}`);
  }
  const ofFloats = header.map((_, i) => !dates[i] && isOfFloats(rows.map((row) => row[i]), quoted));
  const value = (cell, i) => {
    if (dates[i]) return unquoted(cell);
    const found = valueOf(cell, quoted);
    return ofFloats[i] && typeof found === 'bigint' ? Number(found) : found;
  };
  return [numbered(header.map(unquoted)), ...rows.map((row) => row.map(value))];
}

/** Whether a column has floats, and nothing but numbers and missing values beside them: its integers are floats then. */
function isOfFloats(cells, quoted) {
  const values = cells.map((cell) => valueOf(cell, quoted));
  const areNumbers = values.every((each) => each === null || typeof each === 'number' || typeof each === 'bigint');
  return areNumbers && cells.some((cell, i) => values[i] !== null && !INTEGER.test(cell));
}

function cellsOf(text, quoted) {
  if (!quoted) return text.split('\n').slice(0, -1).map((line) => line.split(','));
  const rows = [];
  let row = [];
  CELL.lastIndex = 0;
  for (let match; (match = CELL.exec(text));) {
    row.push(match[1]);
    if (match[2] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

const unquoted = (cell) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);

function valueOf(cell, quoted) {
  if (quoted && cell.startsWith('"')) return unquoted(cell);
  if (SPECIAL.has(cell)) return SPECIAL.get(cell);
  if (INTEGER.test(cell)) return integer(cell);
  return FLOAT.test(cell) ? Number(cell) : cell;
}

/** An integer as a Number where that is exact, and else as a BigInt. */
export function integer(digits) {
  const number = Number(digits);
  return Math.abs(number) < series.exact_integer_max ? number : BigInt(digits);
}

// As pandas does: x, x.1, x.2, past those that are taken.
function numbered(header) {
  const taken = new Set();
  return header.map((field) => {
    let name = field;
    for (let i = 1; taken.has(name); i += 1) name = `${field}.${i}`;
    taken.add(name);
    return name;
  });
}
