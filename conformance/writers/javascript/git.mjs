/**
 * The state of the source: the commit that runs, and what has been changed since.
 */
import { execFileSync } from 'node:child_process';

// Whatever the user's configuration says of colours and prefixes, `git apply` must understand the patch.
const DIFF = ['diff', '--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--binary', '--submodule=short', '--ignore-submodules=dirty', '--src-prefix=a/', '--dst-prefix=b/', 'HEAD'];
const LOG = ['log', '-n', '1', '--no-color', '--no-abbrev-commit', '--format=medium'];

const git = (args) => execFileSync('git', args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 30 });

/** The commit and the patch, as bytes; raises where there is no repository, no commit or no git. */
export const gitStatus = () => ({ git_commit: git(LOG), git_patch: git(DIFF) });
