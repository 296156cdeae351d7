import { spawn } from 'node:child_process';
import type { ProgramResult, ReadProgram, ReadTransport } from '../../../lib/engine/transport.js';

/** Runs the reading programs with this machine's `/bin/sh`, and counts what was asked. */
export class LocalTransport implements ReadTransport {
  readonly description: string;
  readonly kind: 'ssh' | 'root';
  /** Names of the programs that ran, in order. */
  readonly ran: string[] = [];
  readonly #root: string;

  /** @param root a directory as an offline root; '' for this machine as a live host */
  constructor(root: string) {
    this.#root = root;
    this.kind = root === '' ? 'ssh' : 'root';
    this.description = root === '' ? 'local' : root;
  }

  read(program: ReadProgram, input: Buffer): Promise<ProgramResult> {
    this.ran.push(program.name);
    return new Promise((resolve, reject) => {
      const child = spawn('/bin/sh', ['-c', program.script, program.name, this.#root]);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      child.stdin.on('error', () => undefined);
      child.on('error', reject);
      child.on('close', (code) =>
        resolve({
          exitCode: code ?? 255,
          stdout: Buffer.concat(out),
          stderr: Buffer.concat(err).toString('utf8'),
        }),
      );
      child.stdin.end(input);
    });
  }
}
