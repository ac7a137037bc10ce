#!/usr/bin/env node
/**
 * The `stele` command.
 * @module
 */
import { run } from './run.js';
import { openTerminal } from './terminal.js';

// On Node 20 the AWS SDK prints a warning that asks for a newer Node. Users of this command cannot act on it.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

process.exitCode = await run(
  process.argv.slice(2),
  process.env,
  openTerminal(process.stdout, process.stderr, process.env),
);
