/**
 * Attestations and provenance objects as PyPI has published them: the test data of PyPI's own library, in its source
 * distribution, verified with Sigstore's public trusted root.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseSigstoreBundle } from '#src/sigstore/bundle.js';
import { bundlesIn } from '#src/sigstore/bundle-files.js';
import { STELE } from '../daemon.js';
import { productionTrustedRoot } from '../unit/sigstore/support.js';
import { describeWithTools } from './with-tools.js';
