/**
 * Configuration: argument before environment before ~/.lab-workbook-config before default.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';

import { Misuse, spec } from './spec.mjs';

const { config } = spec;
const warned = new Set();

/** The setting `key`, from the nearest place that has one. */
export function setting(key, argument, file = readConfig()) {
  const variable = config.environment_prefix + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return argument ?? (process.env[variable] || file.get(key) || config.defaults[key]);
}

/** Whether every verb is to do nothing. */
export const isDisabled = () => !['', '0', undefined].includes(process.env[config.disabled]);

/** The user's configuration file; an absent one is empty. */
export function readConfig(path = config.file.replace('~', homedir())) {
  try {
    return parseConfig(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (error.code === 'ENOENT') return new Map();
    throw error;
  }
}

/** The keys and values of a configuration; an error names the line. */
export function parseConfig(text, path) {
  const values = new Map();
  text.replace(/^\ufeff/, '').split('\n').forEach((line, index) => {
    const content = trimmed(line.replace(/\r$/, ''));
    if (!content || /^[#;]/.test(content)) return;
    const refuse = (why) => { throw new Misuse('config.grammar', `${path}, line ${index + 1}: ${why}`); };
    const [key, value] = keyAndValue(content, refuse);
    if (values.has(key)) refuse(`${key} stands there twice`);
    if (!(key in config.defaults)) warnOnce(key, path);
    values.set(key, value);
  });
  return values;
}

function keyAndValue(content, refuse) {
  const [, key, value] = /^([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.*)$/s.exec(content) ?? [];
  if (!key) refuse('a line is "key = value"');
  if (/^["']/.test(value)) refuse('a value has no quotes around it');
  return [key, value];
}

// Spaces and tabs alone: a value may begin with any other white space.
const trimmed = (text) => text.replace(/^[ \t]+|[ \t]+$/g, '');

function warnOnce(key, path) {
  if (warned.has(key)) return;
  warned.add(key);
  process.stderr.write(`lab-workbook: ${path} has an unknown key ${key}, which sets nothing\n`);
}
