/**
 * The ways out of a script: experiments that are still open then are ended with what is known.
 *
 * All of it is synchronous, because nothing else runs when a process exits.
 */
import { spec } from './spec.mjs';

const open = new Set();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
let uncaught = null;

// A monitor changes nothing of what Node does with the error.
const remember = (error) => { uncaught = error; };

/** Watch over an experiment until it is closed. */
export function watch(experiment) {
  if (!open.size) {
    process.on('exit', leave).on('uncaughtExceptionMonitor', remember);
    for (const signal of signals) process.on(signal, interrupted);
  }
  open.add(experiment);
}

/** An experiment has ended; with the last one every trace of us in the process goes. */
export function unwatch(experiment) {
  if (!open.delete(experiment) || open.size) return;
  process.off('exit', leave).off('uncaughtExceptionMonitor', remember);
  for (const signal of signals) process.off(signal, interrupted);
}

function endAll(outcome, error) {
  for (const experiment of [...open]) experiment.end(outcome, error);
}

function leave(code) {
  // Only a script that closes has finished.
  if (code === 0) endAll(spec.outcome.ended, null);
  else endAll(spec.outcome.failed, uncaught ?? { name: 'exit', message: `the script exited with ${code}` });
}

function interrupted(signal) {
  // A script that handles its signals goes on, and says itself when it is done.
  if (process.listenerCount(signal) > 1) return;
  endAll(spec.outcome.interrupted, { name: 'signal', message: signal });
  process.kill(process.pid, signal);
}
