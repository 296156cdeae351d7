import { spawnSync } from 'node:child_process';
import { writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.js';
import { call } from './call.js';

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

describe('completion', () => {
  it('prints the hosts of the inventory', async () => {
    expect(await call('completion --hosts')).toMatchObject({
      code: 0,
      printed: { out: 'alpha\nbeta\n@failed\n@rest\n' },
    });
  });

  it.each([
    ['completion', '[completion] no shell is named. Name one of: bash, zsh, fish.\n'],
    ['completion basj', '[completion] there is no completion for "basj". Did you mean "bash"?\n'],
    [
      'completion powershell',
      '[completion] there is no completion for "powershell". Name one of: bash, zsh, fish.\n',
    ],
  ])('refuses "%s"', async (line, message) => {
    expect(await call(line)).toMatchObject({ code: 1, printed: { err: message } });
  });
});

describe('the bash script', () => {
  /** What bash would offer for a command line that ends where the cursor is. */
  async function offers(words: readonly string[]): Promise<string[]> {
    const { printed } = await call('completion bash');
    const folder = temporaryFolder('citadel-completion-');
    const program = join(folder, 'citadel-iac');
    // Stands in for the program: says which inventory it was asked for.
    writeFileSync(
      program,
      '#!/bin/sh\n[ "$3" = --inventory ] && echo "of-$4"; echo alpha; echo beta; echo @web\n',
    );
    chmodSync(program, 0o755);
    writeFileSync(join(folder, 'lab.yaml'), '');
    const script = `${printed.out}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _citadel_iac; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', program, ...words], {
      encoding: 'utf8',
      cwd: folder,
    });
    expect(stderr).toBe('');
    return stdout.split('\n').filter(Boolean);
  }

  it('offers commands', async () => {
    expect(await offers([''])).toEqual([
      'init',
      'diff',
      'apply',
      'verify',
      'status',
      'adopt',
      'run',
      'inventory',
      'render',
      'history',
      'rollback',
      'resolve',
      'reboot',
      'rebuild',
      'retire',
      'silence',
      'secrets',
      'models',
      'doctor',
      'completion',
    ]);
    expect(await offers(['--json', 'r'])).toEqual([
      'run',
      'render',
      'rollback',
      'resolve',
      'reboot',
      'rebuild',
      'retire',
    ]);
  });

  it('offers options of the command and of the program', async () => {
    expect(await offers(['apply', '--y'])).toEqual(['--yes']);
    expect(await offers(['diff', '--'])).toEqual([
      '--on',
      '--except',
      '--against',
      '--format',
      '--save',
      '--out',
      '--json-lines',
      '--manifest',
      '--help',
      '--version',
      '--inventory',
      '--json',
      '--parallel',
      '--no-color',
    ]);
  });

  it('offers hosts, of the inventory that is named', async () => {
    expect(await offers(['diff', ''])).toEqual(['alpha', 'beta', '@web']);
    expect(await offers(['rollback', ''])).toEqual(['alpha', 'beta']);
    expect(await offers(['diff', 'b'])).toEqual(['beta']);
    expect(await offers(['diff', '--inventory', 'lab.yaml', 'o'])).toEqual(['of-lab.yaml']);
  });

  it('offers hosts and groups after --on and --except, where bash takes the @ for a word of its own', async () => {
    expect(await offers(['status', '--on', ''])).toEqual(['alpha', 'beta', '@web']);
    expect(await offers(['status', '--on', 'b'])).toEqual(['beta']);
    expect(await offers(['status', '--except', '@'])).toEqual(['web']);
    expect(await offers(['status', '--on', '@', 'w'])).toEqual(['web']);
    expect(await offers(['status', '@', 'x'])).toEqual([]);
  });

  it('offers the commands below a command, and what they take', async () => {
    expect(await offers(['secrets', ''])).toEqual(['edit', 'rekey', 'check', 'list', 'keygen']);
    expect(await offers(['--json', 'secrets', 'k'])).toEqual(['keygen']);
    expect(await offers(['secrets', 'check', 'a'])).toEqual(['alpha']);
    expect(await offers(['secrets', 'check', 'alpha', '--m'])).toEqual(['--manifest']);
    expect(await offers(['secrets', 'edit', '--m'])).toEqual([]);
    expect(await offers(['secrets', 'edit', 'l'])).toEqual(['lab.yaml']);
    expect(await offers(['secrets', 'check', '--manifest', 'l'])).toEqual(['lab.yaml']);
  });

  it('offers files where a file is wanted, and nothing where it cannot know', async () => {
    expect(await offers(['diff', '--inventory', 'l'])).toEqual(['lab.yaml']);
    expect(await offers(['rollback', 'alpha', '--to', ''])).toEqual([]);
    expect(await offers(['completion', ''])).toEqual(['bash', 'zsh', 'fish']);
  });

  it('is clean', async () => {
    const { printed } = await call('completion bash');
    const { stdout } = spawnSync('shellcheck', ['-s', 'bash', '-'], { input: printed.out, encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});

describe('the other scripts', () => {
  it.skipIf(!has('zsh'))('zsh can read its own (skipped where zsh is not installed)', async () => {
    const { printed } = await call('completion zsh');
    const { status, stderr } = spawnSync('zsh', ['-n', '-c', printed.out], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.skipIf(!has('fish'))('fish can read its own (skipped where fish is not installed)', async () => {
    const { printed } = await call('completion fish');
    const { status, stderr } = spawnSync('fish', ['--no-execute', '-c', printed.out], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('name every command', async () => {
    for (const shell of ['zsh', 'fish']) {
      const { printed } = await call(`completion ${shell}`);
      for (const command of [
        'diff',
        'apply',
        'verify',
        'render',
        'history',
        'rollback',
        'secrets',
        'rekey',
        'rebuild',
        'doctor',
      ]) {
        expect(printed.out).toContain(command);
      }
    }
  });
});
