/**
 * Losses: what the disk refused or the data did not allow is said once, counted, and never raised.
 */
import { spec } from './spec.mjs';

const words = {
  [spec.loss.texts]: 'a text is not valid; what is wrong in it was written as U+FFFD',
  [spec.loss.integers]: 'an integer is too large; it was written as the nearest double',
};

export class Losses {
  counts = {};
  #said = new Set();

  /** Do what may fail for reasons that are not the script's; a failure counts as `loss`, where that is not null. */
  guard(loss, what, action) {
    try {
      action();
    } catch (error) {
      this.#say(loss ?? what, `${what} is lost: ${error.message}`);
      if (loss) this.add({ [loss]: 1 });
    }
  }

  /** Count what a tally has. */
  add(tally) {
    for (const [loss, count] of Object.entries(tally)) {
      this.counts[loss] = (this.counts[loss] ?? 0) + count;
      if (words[loss]) this.#say(loss, words[loss]);
    }
  }

  #say(about, message) {
    if (this.#said.has(about)) return;
    this.#said.add(about);
    process.stderr.write(`lab-workbook: ${message}\n`);
  }
}
