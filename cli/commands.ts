/**
 * All commands.
 * @module
 */
import type { Commands } from './command.js';
import { completionCommand } from './commands/completion.js';
import { fsckCommand } from './commands/fsck.js';
import { getCommand } from './commands/get.js';
import { helpCommandFor } from './commands/help.js';
import { keygenCommand } from './commands/keygen.js';
import { loginfoCommand } from './commands/loginfo.js';
import { logproofCommand } from './commands/logproof.js';
import { rebuildStagingCommand } from './commands/rebuild-staging.js';
import { serveCommand } from './commands/serve.js';
import { trustCommand } from './commands/trust.js';
import { uploadCommand } from './commands/upload.js';
import { verifyCommand } from './commands/verify.js';
import { versionCommand } from './commands/version.js';

const BUT_HELP: Commands = {
  serve: serveCommand,
  'rebuild-staging': rebuildStagingCommand,
  keygen: keygenCommand,
  upload: uploadCommand,
  verify: verifyCommand,
  get: getCommand,
  loginfo: loginfoCommand,
  logproof: logproofCommand,
  fsck: fsckCommand,
  trust: trustCommand,
  completion: completionCommand,
  version: versionCommand,
};

/** By name, in the order of help. */
export const COMMANDS: Commands = { ...BUT_HELP, help: helpCommandFor(Object.keys(BUT_HELP)) };
