import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FakeServerOptions } from '../../../ssh/support/server.js';
import { answerBy } from './bench.js';

/** The file that each login shell reads before a command of sshd, below its home. POSIX sh reads none: there the command does. */
const START_UP = {
  bash: '.bashrc',
  sh: '.shrc',
  zsh: '.zshenv',
  fish: '.config/fish/config.fish',
  tcsh: '.tcshrc',
};
type LoginShell = keyof typeof START_UP;
export const LOGIN_SHELLS = Object.keys(START_UP) as LoginShell[];

/** A login shell whose start-up file says this, and which then runs the command. Bash reads it as under sshd: its input is a socket. */
export function startUp(
  folder: string,
  file: string,
  shell: LoginShell,
): NonNullable<FakeServerOptions['onExec']> {
  return (channel, command) => {
    const home = join(folder, `home-${shell}`);
    const path = join(home, START_UP[shell]);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${file}\n`);
    const sudo = join(folder, 'bin/sudo');
    mkdirSync(dirname(sudo), { recursive: true });
    writeFileSync(sudo, '#!/bin/sh\n[ "$1 $2" = "-n --" ] && shift 2 && exec "$@"\n', { mode: 0o755 });
    const how = shell === 'sh' ? ['-c', `. "$0"; ${command}`, path] : ['-c', command];
    const child = spawn(shell, how, {
      cwd: '/',
      env: { PATH: `${dirname(sudo)}:${process.env['PATH'] ?? ''}`, HOME: home },
    });
    answerBy(child, channel);
  };
}
