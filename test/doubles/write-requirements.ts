import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirementsText, vllmWheel } from './wheel.js';

/** Writes vllm-requirements.txt again, after the double has changed. */
const folder = import.meta.dirname;
const wheel = vllmWheel(readFileSync(join(folder, 'vllm'), 'utf8'));
writeFileSync(join(folder, 'vllm-requirements.txt'), requirementsText(wheel));
