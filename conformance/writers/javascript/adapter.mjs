/**
 * Stands between the conformance kit and the writer and reader beside it; see ADAPTER.md.
 *
 *     lab-workbook certify -- node conformance/writers/javascript/adapter.mjs
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { writeSync } from 'node:fs';

import { Misuse, newExperiment, read, Unsupported, version } from './lab-workbook.mjs';
import { kindOf } from './names.mjs';
import { bytesFromMessage, CannotBuild, fromMessage, toMessage } from './values.mjs';

const hello = {
  name: 'lab-workbook javascript', version, language: `JavaScript, Node.js ${process.versions.node}`, spec: '1.1',
  levels: ['core', 'git'],
  verbs: ['newExperiment', 'newTimeSeriesLog', 'log', 'saveJSON', 'saveShared', 'saveText', 'saveFile', 'saveFileFrom', 'saveGitStatus', 'flush', 'sleep', 'close', 'fail', 'exit', 'raise', 'signal', 'read'],
  // What a script writes as 1 is a double here.
  integers: false,
};

// At once, because the kit may kill us behind any acknowledgement.
const say = (id, message) => writeSync(1, `${JSON.stringify({ id, ...message })}\n`);

class Script {
  #given;
  #logs = new Map();
  workbook = null;

  constructor({ prefix, tag }) {
    this.#given = { ...(prefix !== undefined && { bucketPrefix: prefix }), ...(tag !== undefined && { tag: fromMessage(tag) }) };
  }

  newExperiment(options = {}) {
    this.workbook = newExperiment({ ...this.#given, ...fromMessage(options) });
    this.#logs.clear();
  }

  newTimeSeriesLog(name, fields, saveEvery) {
    this.#logs.set(JSON.stringify(name), this.workbook.newTimeSeriesLog(...[name, fields, saveEvery].map(fromMessage)));
  }

  log(name, row) { this.#logs.get(JSON.stringify(name))(fromMessage(row)); }
  saveJSON(name, value) { this.workbook.saveJSON(fromMessage(name), fromMessage(value)); }
  saveText(name, text) { this.workbook.saveText(fromMessage(name), fromMessage(text)); }
  saveGitStatus(name) { this.workbook.saveGitStatus(fromMessage(name)); }
  flush() { this.workbook.flush(); }
  sleep(seconds) { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 * seconds); }
  close() { this.workbook.close(); }
  fail(message) { this.workbook.close(new Error(fromMessage(message))); }

  saveShared(name, value) { this.workbook.saveJSON(fromMessage(name), Array(2).fill(fromMessage(value))); }

  saveFileFrom(name, place) { this.workbook.saveFile(fromMessage(name), fromMessage(place)); }

  saveFile(name, bytes) {
    const folder = mkdtempSync(path.join(tmpdir(), 'adapter-'));
    const source = path.join(folder, 'file');
    try {
      writeFileSync(source, bytesFromMessage(bytes));
      this.workbook.saveFile(fromMessage(name), source);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

/** The last steps of a script: nothing is caught around them, and nothing is closed before. */
const EXITS = {
  exit: (status) => process.exit(status),
  raise: (message) => { throw new Error(message); },
  signal: (name) => {
    process.kill(process.pid, name);
    // Node hears of a signal when nothing else runs.
    return new Promise((resolve) => { setTimeout(resolve, 1000); }).then(() => process.exit(1));
  },
};

async function record(id, question) {
  const script = new Script(question);
  let step = 0;
  for (const [verb, ...values] of question.steps) {
    await EXITS[verb]?.(...values);
    try {
      if (!hello.verbs.includes(verb)) throw new CannotBuild(`there is no ${verb}`);
      script[verb](...values);
      if (question.acks) say(id, { ack: step });
    } catch (error) {
      const { refused, ...other } = trouble(error, step);
      if (!refused || !question.continues) {
        script.workbook?.close();
        return refused ? { refused } : other;
      }
      say(id, { refusal: refused });
    }
    step += 1;
  }
  return { done: { tag: script.workbook?.tag ?? '' } };
}

function trouble(error, step) {
  const { message } = error;
  if (error instanceof Misuse) return { refused: { step, rule: error.rule, message } };
  if (error instanceof CannotBuild || error instanceof Unsupported) return { unsupported: { step, message } };
  return error instanceof TypeError ? { refused: { step, rule: null, message } } : { failed: { step, message } };
}

function look(_, { prefix, tag, names = [] }) {
  try {
    const experiment = read(prefix, tag);
    const listed = experiment.list();
    const artifacts = Object.fromEntries([...listed, ...names].map((name) => [name, artifact(experiment, name)]));
    return { saw: { status: experiment.status, listed, artifacts } };
  } catch (error) {
    return { refused: { rule: error.rule ?? null, message: error.message } };
  }
}

function artifact(experiment, name) {
  const kind = kindOf(name);
  try {
    const content = experiment.get(name);
    if (kind === 'series') return content ? { kind, rows: toMessage(content) } : { kind, plain: true };
    return kind === 'json' ? { kind, value: toMessage(content) } : { kind, bytes: content.toString('hex') };
  } catch (error) {
    return { kind, error: error.message };
  }
}

const ANSWERS = { hello: () => ({ hello }), record, read: look };

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { id, ...question } = JSON.parse(line);
  const [[verb, about]] = Object.entries(question);
  say(id, await ANSWERS[verb](id, about));
}
