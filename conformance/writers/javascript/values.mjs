/**
 * Values as messages spell them, and as a script has them.
 */
export class CannotBuild extends Error {}

const FLOATS = new Map([['nan', NaN], ['inf', Infinity], ['-inf', -Infinity]]);

const BUILD = {
  $int: (digits) => integer(BigInt(digits)),
  $float: (digits) => FLOATS.get(digits) ?? Number(digits),
  $bytes: (hex) => textOf(Buffer.from(hex, 'hex')),
  $pairs: tableOf,
  $nested: (depth) => Array.from({ length: depth }).reduce((inner) => [inner], 1),
  $cycle: () => { const list = []; list.push(list); return list; },
  $function: () => () => {},
};

/** The value that a message spells. */
export function fromMessage(spelled) {
  if (Array.isArray(spelled)) return spelled.map(fromMessage);
  if (typeof spelled !== 'object' || spelled === null) return spelled;
  const [[key, value] = [], ...more] = Object.entries(spelled);
  if (key?.startsWith('$') && !more.length) {
    if (!Object.hasOwn(BUILD, key)) throw new CannotBuild(`no value is spelled ${key}`);
    return BUILD[key](value);
  }
  return Object.fromEntries(Object.entries(spelled).map(([name, item]) => [name, fromMessage(item)]));
}

// A script has its integers as Numbers, and as BigInts where a Number would be another.
const integer = (value) => (isFinite(Number(value)) && BigInt(Number(value)) === value ? Number(value) : value);

function tableOf(pairs) {
  const built = pairs.map(([key, value]) => [fromMessage(key), fromMessage(value)]);
  return built.every(([key]) => typeof key === 'string') ? Object.fromEntries(built) : new Map(built);
}

/**
 * A text by its bytes. JavaScript's texts are UTF-16: all that can be wrong in one is half of a pair of
 * surrogates, which is the three bytes ED A0..BF xx here.
 */
function textOf(bytes) {
  const halves = bytes.toString('latin1').split(/(\xed[\xa0-\xbf][\x80-\xbf])/);
  return halves.map((part, i) => (i % 2 ? surrogate(part) : valid(Buffer.from(part, 'latin1')))).join('');
}

const surrogate = (part) => String.fromCharCode(0xd000 | ((part.charCodeAt(1) & 0x3f) << 6) | (part.charCodeAt(2) & 0x3f));

function valid(bytes) {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw new CannotBuild('a text of JavaScript cannot hold these bytes');
  return text;
}

/** The bytes of a file that a message spells. */
export const bytesFromMessage = (spelled) => (typeof spelled === 'string' ? Buffer.from(spelled, 'utf8') : Buffer.from(spelled.$bytes, 'hex'));

/** How a message spells a value. */
export function toMessage(value) {
  if (typeof value === 'bigint') return { $int: String(value) };
  if (typeof value === 'number') return numberToMessage(value);
  if (Array.isArray(value)) return value.map(toMessage);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, toMessage(item)]);
  return entries.length === 1 && entries[0][0].startsWith('$') ? { $pairs: entries } : Object.fromEntries(entries);
}

function numberToMessage(x) {
  if (Number.isSafeInteger(x) && !Object.is(x, -0)) return x;
  if (Number.isNaN(x)) return { $float: 'nan' };
  if (!Number.isFinite(x)) return { $float: x > 0 ? 'inf' : '-inf' };
  return { $float: Object.is(x, -0) ? '-0.0' : String(x) };
}
