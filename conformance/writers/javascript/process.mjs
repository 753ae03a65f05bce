/**
 * Which process this is: so that a reader can tell a script that runs from one that has died.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** What begin.json says of this process; on a system without /proc only its number and its host. */
export const thisProcess = () => ({ host: hostname(), pid: process.pid, ...ofLinux(process.pid) });

/** Whether the process that wrote `begin` lives; null where that cannot be known from here. */
export function isAlive(begin) {
  const here = ofLinux(process.pid);
  const known = begin.pid && begin.pidStarted && begin.bootId && begin.pidNamespace;
  if (!known || begin.bootId !== here.bootId || begin.pidNamespace !== here.pidNamespace) return null;
  return ofLinux(begin.pid).pidStarted === begin.pidStarted;
}

function ofLinux(pid) {
  try {
    // The name of the program, in parentheses, may hold spaces; the 22nd field is the 20th behind it.
    const behindName = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    // A zombie has ended, whatever its parent is doing; its first thread alone may end before the others.
    if ('ZX'.includes(behindName[0]) && behindName[17] <= 1) return {};
    return {
      pidStarted: behindName[19],
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    };
  } catch {
    return {};
  }
}
