/**
 * Names: of experiments (tags), of artifacts, and where a prefix leads.
 */
import { randomInt } from 'node:crypto';
import { homedir } from 'node:os';

import { Misuse, now, spec } from './spec.mjs';

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// eslint-disable-next-line no-control-regex -- as above
const ASCII_CONTROL = /[\u0000-\u001f\u007f]/;
const BUCKET = /^s3:\/\/[A-Za-z0-9][A-Za-z0-9._-]{1,62}(\/|$)/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;

const bytes = (text) => Buffer.byteLength(text, 'utf8');

// Only ASCII letters: what file systems make of all others differs.
const folded = (name) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** A fresh tag: the UTC minute and ten characters from the system's random source. */
export function newTag() {
  const { alphabet, random_length: length } = spec.tag;
  const minute = now().slice(0, 16).replace(/\D/g, '');
  return `${minute}-${Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')}`;
}

/** Refuse a tag that is not one part of a name. */
export function checkTag(tag) {
  const fault = typeof tag !== 'string' ? 'is no text' : (faultOfName(tag)?.[1] ?? faultOfTag(tag));
  if (fault) throw new Misuse('tag.explicit', `the tag ${shown(tag)} ${fault}`);
}

function faultOfTag(tag) {
  if (tag.includes('/')) return 'has a slash in it';
  return bytes(tag) > spec.tag.max_bytes ? `has more than ${spec.tag.max_bytes} bytes` : null;
}

/** Refuse a name, suffix included, that some file system or bucket could not keep. */
export function checkName(name) {
  const fault = typeof name === 'string' ? faultOfName(name) : ['name.utf8', 'is no text'];
  if (fault) throw new Misuse(fault[0], `the name ${shown(name)} ${fault[1]}`);
}

function faultOfName(name) {
  const parts = name.split('/');
  const { max_bytes: most, part_max_bytes: mostOfPart } = spec.name;
  if (!name.isWellFormed()) return ['name.utf8', 'has half a character in it'];
  if (CONTROL.test(name) || name.includes('\\')) return ['name.characters', 'has a control character or a backslash in it'];
  if (parts.some((part) => ['', '.', '..'].includes(part))) return ['name.parts', 'has a part that is empty, "." or ".."'];
  if (parts.some((part) => /^ |[ .]$/.test(part))) return ['name.edges', 'has a part that begins or ends with a space, or ends with a dot'];
  if (bytes(name) > most) return ['name.length', `has more than ${most} bytes`];
  if (parts.some((part) => bytes(part) > mostOfPart)) return ['name.length', `has a part of more than ${mostOfPart} bytes`];
  return folded(parts[0]) === spec.layout.reserved ? ['name.reserved', 'belongs to the protocol'] : null;
}

const shown = (name) => (typeof name === 'string' ? JSON.stringify(name) : String(name));

/** The names of one experiment, of which no two may become one file on a laptop. */
export class Names {
  #kinds = new Map(); // folded name -> [name, whether it is a series]
  #folders = new Map(); // folded folder -> a name in it

  /** Refuse `name` where it clashes with one that is taken. */
  check(name, isSeries = false) {
    checkName(name);
    const [other, wasSeries] = this.#kinds.get(folded(name)) ?? [];
    if (other === name && (isSeries || wasSeries)) {
      throw new Misuse('series.once', `${shown(name)} is taken: a series is opened once, and nothing else is saved under its name`);
    }
    const clash = (other !== name && other) || this.#folders.get(folded(name)) || this.#fileAbove(name);
    if (clash) throw new Misuse('name.unique', `${shown(name)} and ${shown(clash)} would be one file on some systems`);
  }

  take(name, isSeries = false) {
    this.#kinds.set(folded(name), [name, isSeries]);
    for (const folder of foldersOf(name)) this.#folders.set(folder, name);
  }

  #fileAbove(name) {
    return foldersOf(name).map((folder) => this.#kinds.get(folder)?.[0]).find(Boolean);
  }

  all() {
    return [...this.#kinds.values()].map(([name]) => name);
  }
}

function foldersOf(name) {
  const parts = folded(name).split('/');
  return parts.slice(1).map((_, count) => parts.slice(0, count + 1).join('/'));
}

/** The kind of an artifact, by its last suffix. */
export function kindOf(name) {
  const found = Object.entries(spec.kind).find(([, { suffix }]) => suffix && name.endsWith(suffix));
  return found ? found[0] : 'file';
}

/**
 * The folder that a prefix leads to, absolute and with a slash at its end; null where it leads to a bucket.
 */
export function folderOf(prefix) {
  if (typeof prefix !== 'string' || !prefix || !prefix.isWellFormed() || ASCII_CONTROL.test(prefix)) refusePrefix(prefix);
  if (prefix.startsWith('s3://')) return BUCKET.test(prefix) ? null : refusePrefix(prefix);
  const local = prefix.startsWith('file://') ? prefix.slice('file://'.length) : prefix;
  if (SCHEME.test(prefix) && (local === prefix || !/^(\/|~(\/|$))/.test(local))) refusePrefix(prefix);
  return `${absolute(local, prefix).replace(/\/+$/, '')}/`;
}

function absolute(local, prefix) {
  if (local.startsWith('/')) return local;
  if (/^~(\/|$)/.test(local)) return homedir() + local.slice(1);
  return local.startsWith('~') ? refusePrefix(prefix) : `${process.cwd()}/${local}`;
}

function refusePrefix(prefix) {
  throw new Misuse('prefix.form', `${shown(prefix)} is no prefix: s3://bucket/key/, file:///folder/, ~/folder or a path`);
}
