/**
 * The constants of the protocol, from their one home, and the error that quotes its rules.
 */
import { readFileSync } from 'node:fs';

export const spec = JSON.parse(readFileSync(new URL('../../../spec/v1/spec.json', import.meta.url), 'utf8'));

/** What the program that calls did wrong; `rule` is the id of the rule that says so. */
export class Misuse extends Error {
  constructor(rule, message) {
    super(`${message} (rule ${rule})`);
    this.name = 'Misuse';
    this.rule = rule;
  }
}

/** The UTC time of now, to the second, in the shape of the protocol. */
export const now = () => `${new Date().toISOString().slice(0, 19)}Z`;
