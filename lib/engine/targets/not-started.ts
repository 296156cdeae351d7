import type { Problem } from '../../manifest/index.js';
import type { ProgramResult } from '../transport.js';
import { NOT_WHOLE, TAKEN_FOR_COMMANDS } from './frame.js';

/** Who was logged in as, how, and what did not begin there. */
export interface Attempt {
  readonly user: string;
  /** A command line that logs in as we did. */
  readonly byHand: string;
  /** `citadel-observe` … */
  readonly program: string;
}

const QUIET =
  'On the host, let the start-up files of that shell (.bashrc, .profile, config.fish, /etc/profile.d) neither read nor end ' +
  'where there is no terminal: begin .bashrc with "case $- in *i*) ;; *) return ;; esac"';

type Reason = Pick<Problem, 'code' | 'got' | 'fix'>;

/** Status of sshd where /etc/nologin is there and PAM is not asked. */
const NO_LOG_INS = 254;

/** What programs that are no shell say when they are given a command line: Python, Perl, Ruby, git-shell, and restricted ones. */
const FOREIGN_SHELL =
  /^(SyntaxError: |Can't open perl script |ruby: No such file |fatal: unrecognized command |.*\b(unrecognized|unknown|forbidden|invalid) command\b)/i;

/** Why a program did not begin that no one refused to run as root: by what the host said in its place. */
export function notStarted({ user, byHand, program }: Attempt, result: ProgramResult): Reason {
  const printed = firstLine(result.stdout.subarray(0, 200).toString('utf8'));
  const lines = [printed, ...result.stderr.trimEnd().split('\n')].filter((line) => line !== '');
  const line = (pattern: RegExp): string | undefined =>
    lines.find((each) => pattern.test(each))?.slice(0, 200);

  const noShell = line(/^This account is (currently )?not available/);
  if (noShell !== undefined) {
    return {
      code: 'ssh.shell',
      got: `the account has no login shell (${noShell})`,
      fix: `Give it one on the host: usermod --shell /bin/bash ${user}`,
    };
  }
  const sftpOnly = line(/^This service allows sftp connections only/);
  if (sftpOnly !== undefined) {
    return {
      code: 'ssh.shell',
      got: `sshd allows the account no commands (${sftpOnly})`,
      fix: 'Take ForceCommand internal-sftp (and ChrootDirectory) away for this account in sshd_config on the host, or connect as another',
    };
  }
  if (result.exitCode === NO_LOG_INS && result.stdout.length === 0) {
    const said = lines.at(-1);
    return {
      code: 'ssh.shell',
      got: `sshd lets only root in now, because the host has /etc/nologin${said === undefined ? '' : ` (it says ${JSON.stringify(said.slice(0, 200))})`}`,
      fix: 'Wait until the host is ready again, or remove the file on the host',
    };
  }
  const foreign = line(FOREIGN_SHELL);
  const isMute = result.exitCode <= 1 && lines.length === 0;
  if (foreign !== undefined || isMute) {
    const program = result.exitCode === 0 ? '/bin/true' : '/bin/false';
    const how =
      foreign === undefined
        ? `ended with status ${String(result.exitCode)} and said nothing, as ${program} does`
        : `took the command for something else (${foreign})`;
    return {
      code: 'ssh.shell',
      got: `the login shell of "${user}" does not run commands: it ${how}`,
      fix:
        `"getent passwd ${user}" on the host shows it, and "usermod --shell /bin/bash ${user}" gives it another; if it is a good one, ` +
        `look at ForceCommand in sshd_config, at command="…" in authorized_keys, and at its start-up files, one of which may end it. Try it by hand: ${byHand} echo reached (it must print that)`,
    };
  }
  const expired = line(
    /password has expired|password change required|account has expired|change your password/i,
  );
  if (expired !== undefined) {
    return {
      code: 'ssh.shell',
      got: `the account may run nothing until its password is changed (${expired})`,
      fix: `On the host, as root: "passwd ${user}", and "chage --maxdays -1 ${user}" for one that does not expire; "chage -l ${user}" shows what it is`,
    };
  }
  const shell = /^(\/\S+): No such file or directory$/.exec(lines.at(-1) ?? '')?.[1];
  if (shell !== undefined && result.exitCode === 1) {
    return {
      code: 'ssh.shell',
      got: `there is no ${shell} where sshd puts "${user}" (${lines.at(-1) ?? ''})`,
      fix: `Look at ChrootDirectory in its sshd_config, in "Match" blocks too ("sshd -T -C user=${user}" as root shows what counts): leave this account out of it`,
    };
  }
  const missing = line(
    /\b(env|head|sha256sum|base64|gzip)['’]?: .*(not found|No such file|[Pp]ermission denied)/,
  );
  if (missing !== undefined) {
    return {
      code: 'ssh.start-up',
      got: `${program} was not run: a tool that it needs is not in the PATH (${missing})`,
      fix: 'Let secure_path in sudoers, and the start-up files of the shell, name /usr/bin and /bin; head, sha256sum and base64 are of the package coreutils, gzip of gzip',
    };
  }
  if (result.exitCode === NOT_WHOLE) {
    return {
      code: 'ssh.start-up',
      got: `a start-up file of the login shell of "${user}" reads standard input, so ${program} did not arrive whole; nothing of it was run`,
      fix: QUIET,
    };
  }
  if (result.exitCode === TAKEN_FOR_COMMANDS) {
    return {
      code: 'ssh.start-up',
      got: `another shell was started for "${user}" in the place of the command, and took ${program} for commands of its own; nothing of it was run`,
      fix: ANOTHER_SHELL,
    };
  }
  const last = result.stderr.trimEnd().split('\n').at(-1) ?? '';
  const heard = [last, printed].filter((each) => each !== '').join('; ');
  return {
    code: 'ssh.start-up',
    got: `${program} was not run: the login shell of "${user}" ended with status ${String(result.exitCode)}${heard === '' ? '' : ` (${heard.slice(0, 300)})`}`,
    fix: `Try it by hand: ${byHand} echo reached (it must print that). ${result.exitCode === 0 ? ELSE : heard === '' ? MUTE : QUIET}`,
  };
}

const ELSE =
  'Something else is run in its place: look at ForceCommand in sshd_config, at command="…" in authorized_keys, at the login shell (getent passwd) and at its start-up files, one of which may end it';
const MUTE =
  'Look at the login shell of the account (getent passwd), at ForceCommand in sshd_config, and at its start-up files';

const ANOTHER_SHELL =
  'On the host, look at ForceCommand in sshd_config and command="…" in authorized_keys, which must run what was asked for ' +
  '($SSH_ORIGINAL_COMMAND), and at the start-up files of the login shell, which may start a shell ("exec bash") on a terminal only';

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
