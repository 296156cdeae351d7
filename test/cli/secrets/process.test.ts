import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encrypt } from '../../../lib/engine/secrets/age/crypt.js';
import { withMark } from '../../../lib/engine/secrets/age/mark.js';
import { person } from '../../engine/secrets/age/support.js';

/** The real program with an editor that stays open until it is told to go on. */
const BIN = new URL('../../../bin/citadel-iac.mjs', import.meta.url).pathname;

let folder: string;
let runtime: string;
let before: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'citadel-edit-'));
  runtime = mkdtempSync('/dev/shm/citadel-edit-');
  const { identity, recipient } = await person();
  before = await encrypt(withMark({ text: 'a: hunter2\n', recipients: [recipient] }), [recipient]);
  const files = {
    'package.json': '{}',
    'inv.yaml': 'hosts: { box: { root: root } }\nsecrets: { a: { age: secrets.age } }\n',
    'secrets.recipients': recipient,
    'secrets.age': before,
    identity,
    'editor.sh': `echo 'a: hunter3' >"$1"; echo $$ >'${folder}/open'; while [ ! -e '${folder}/go' ]; do sleep 0.05; done`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
});
afterEach(() => {
  for (const path of [folder, runtime]) rmSync(path, { recursive: true, force: true });
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((done) => setTimeout(done, 30));
};

/** Starts to edit; the promise is of the moment at which the editor has the text open. */
async function editing(): Promise<{
  child: ChildProcess;
  ended: Promise<number | string | null>;
  said: () => string;
}> {
  const child = spawn(process.execPath, [BIN, 'secrets', 'edit'], {
    cwd: folder,
    // A group of its own, as a shell gives to what it starts.
    detached: true,
    env: {
      ...process.env,
      CITADEL_INVENTORY: 'inv.yaml',
      CITADEL_TARGETS: '',
      CITADEL_AGE_IDENTITY_FILE: join(folder, 'identity'),
      XDG_RUNTIME_DIR: runtime,
      VISUAL: '',
      EDITOR: `sh '${join(folder, 'editor.sh')}'`,
      NO_COLOR: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | string | null>((done) =>
    child.on('close', (code, signal) => done(code ?? signal)),
  );
  await until(() => existsSync(join(folder, 'open')) || child.exitCode !== null);
  expect(text).toBe('');
  expect(readdirSync(runtime)).toHaveLength(1);
  return { child, ended, said: () => text };
}

const editorLives = (): boolean => {
  const pid = readFileSync(join(folder, 'open'), 'utf8').trim();
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('while the editor is open', () => {
  it('leaves Ctrl-C to the editor, however often', async () => {
    const { child, ended, said } = await editing();
    for (let times = 0; times < 3; times += 1) {
      child.kill('SIGINT');
      await new Promise((done) => setTimeout(done, 50));
    }
    expect(editorLives()).toBe(true);
    writeFileSync(join(folder, 'go'), '');
    expect(await ended).toBe(0);
    expect(said()).toBe('~ a\nsecrets.age was written, encrypted to 1 recipient. Commit it.\n');
    expect(readdirSync(runtime)).toEqual([]);
    expect(readFileSync(join(folder, 'secrets.age'), 'utf8')).not.toBe(before);
  });

  it.each([
    ['Ctrl-C that ends the editor', 'SIGINT', 130, 'group'],
    ['TERM', 'SIGTERM', 130, 'process'],
    ['a terminal that is closed', 'SIGHUP', 129, 'process'],
  ] as const)('leaves nothing behind after %s', async (_name, signal, code, whom) => {
    const { child, ended, said } = await editing();
    process.kill(whom === 'group' ? -child.pid! : child.pid!, signal);
    expect(await ended).toBe(code);
    expect(readdirSync(runtime)).toEqual([]);
    await until(() => !editorLives());
    expect(said()).toBe(signal === 'SIGHUP' ? '' : 'Nothing was changed.\n');
    expect(readFileSync(join(folder, 'secrets.age'), 'utf8')).toBe(before);
  });
});
