/**
 * Any JSON, also Python's: with a byte order mark, bare NaN and infinities, and integers of any size.
 *
 * JSON.parse would round the integers and refuse the rest.
 */
import { integer } from './rows.mjs';

const TOKEN = /[ \t\r\n]*(?:([[\]{},:])|("(?:[^"\\]|\\.)*")|(-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)(?![0-9A-Za-z.])|(-?Infinity|NaN|true|false|null)(?![0-9A-Za-z]))/sy;
const WORDS = new Map([['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity], ['true', true], ['false', false], ['null', null]]);

/** The value in a JSON document. */
export function parseJSON(bytes) {
  const tokens = tokensOf(bytes.toString('utf8').replace(/^\ufeff/, ''));
  const value = valueAt(tokens);
  if (tokens.length) throw new SyntaxError('there is more than one value in this JSON');
  return value;
}

// Last one first, so that pop() gives the next.
function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  for (let match; (match = TOKEN.exec(text)); end = TOKEN.lastIndex) tokens.push(match);
  if (/[^ \t\r\n]/.test(text.slice(end))) throw new SyntaxError(`this is no JSON: ${text.slice(end, end + 20)}`);
  return tokens.reverse();
}

function valueAt(tokens) {
  const [, mark, string, number, point, exponent, word] = tokens.pop() ?? [];
  if (string !== undefined) return JSON.parse(string);
  if (number !== undefined) return point || exponent ? Number(number) : integer(number);
  if (word !== undefined) return WORDS.get(word);
  if (mark === '[') return members(tokens, ']', valueAt);
  if (mark === '{') return Object.fromEntries(members(tokens, '}', member));
  throw new SyntaxError(mark ? `this JSON has a ${mark} where a value belongs` : 'this JSON is not whole');
}

function members(tokens, end, one) {
  const found = [];
  if (tokens.at(-1)?.[1] === end) {
    tokens.pop();
    return found;
  }
  for (;;) {
    found.push(one(tokens));
    const mark = tokens.pop()?.[1];
    if (mark === end) return found;
    if (mark !== ',') throw new SyntaxError(`this JSON lacks a comma or a ${end}`);
  }
}

function member(tokens) {
  const key = valueAt(tokens);
  if (typeof key !== 'string' || tokens.pop()?.[1] !== ':') throw new SyntaxError('this JSON has a key that is none');
  return [key, valueAt(tokens)];
}
