import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { ONE_LINE, requireFileName, requireForm } from './forms.js';
import { sharedPackage, sharedUnit } from './shared-unit.js';

export interface SshServerProps {
  /** File name in /etc/ssh/sshd_config.d, without `.conf`; for each option the first file that has it wins. @default - `20-` and the construct's id */
  readonly name?: string;
  /** Login with a password. @default - as the host has it */
  readonly passwordAuthentication?: boolean;
  /** @default - as the host has it */
  readonly permitRootLogin?: 'yes' | 'no' | 'prohibit-password' | 'forced-commands-only';
  /** Only these users, by sshd's patterns. They must include the operator's. @default - everybody */
  readonly allowUsers?: readonly string[];
  /** Any other option of sshd_config(5) by its name; a list is written one line each. `Match` is not among them. @default {} */
  readonly options?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

const SSH: Names<SshServerProps> = {
  name: true,
  passwordAuthentication: true,
  permitRootLogin: true,
  allowUsers: true,
  options: true,
};

/**
 * Options of the SSH server, in a file of their own. `sshd -t` reads them before anything is replaced, and the host
 * undoes the apply by itself when the operator cannot connect after it.
 *
 *     new SshServer(host, 'hardening', { passwordAuthentication: false, options: { MaxAuthTries: 3 } });
 */
export class SshServer extends Construct {
  readonly file: HostFile;

  constructor(scope: Construct, id: string, props: SshServerProps) {
    super(scope, id);
    refuseUnknown(this, props, SSH);
    const { name = `20-${id}`, passwordAuthentication, permitRootLogin, allowUsers, options = {} } = props;
    requireFileName(this, name);
    const all = {
      ...(passwordAuthentication === undefined ? {} : { PasswordAuthentication: passwordAuthentication }),
      ...(permitRootLogin === undefined ? {} : { PermitRootLogin: permitRootLogin }),
      ...(allowUsers === undefined ? {} : { AllowUsers: allowUsers.join(' ') }),
      ...options,
    };
    const lines = Object.entries(all).flatMap(([key, value]) => {
      const values: readonly (string | number | boolean)[] = typeof value === 'object' ? value : [value];
      return values.map((each) => ({
        key,
        text: typeof each === 'boolean' ? (each ? 'yes' : 'no') : String(each),
      }));
    });
    for (const { key, text } of lines) {
      requireForm(this, `options.${key}`, key, /^(?!match$)[A-Za-z]+$/i, 'an option that holds for all', 'Give an option of sshd_config(5) other than Match'); // prettier-ignore
      requireForm(this, `options.${key}`, text, ONE_LINE, 'a value of one line', 'Give one line');
    }
    addRule(this, () =>
      lines.length > 0
        ? []
        : [{ code: 'construct.empty', got: 'there is no option', fix: 'Give at least one' }],
    );
    const host = Host.of(this);
    sharedPackage(host, 'openssh-server');
    this.file = new HostFile(this, 'file', {
      path: `/etc/ssh/sshd_config.d/${name}.conf`,
      lines: lines.map(({ key, text }) => `${key} ${text}`),
      validate: 'sshd-config',
    });
    sharedUnit(host, { name: 'ssh.service' }).addReloadOn(this.file);
  }
}

export interface SudoRuleProps {
  /** File name in /etc/sudoers.d: sudo reads them in the order of their names, and takes the last line that matches. @default - the construct's id */
  readonly name?: string;
  /** Who may: a user, or a group as `%ops`. */
  readonly who: string;
  /** Absolute commands with their arguments, as sudoers(5) reads them; `ALL` is every one. */
  readonly commands: readonly string[];
  /** As whom. @default 'ALL' */
  readonly runAs?: string;
  /** Without a password of their own. @default false */
  readonly noPassword?: boolean;
}

const SUDO: Names<SudoRuleProps> = { name: true, who: true, commands: true, runAs: true, noPassword: true };

/**
 * What an account may do with sudo, in a file of its own. `visudo -c` reads it before anything is replaced.
 *
 *     new SudoRule(host, 'deploy', { who: '%deploy', commands: ['/usr/bin/systemctl restart app.service'], noPassword: true });
 */
export class SudoRule extends Construct {
  readonly file: HostFile;

  constructor(scope: Construct, id: string, props: SudoRuleProps) {
    super(scope, id);
    refuseUnknown(this, props, SUDO);
    const { name = id, who, commands, runAs = 'ALL', noPassword = false } = props;
    requireFileName(this, name);
    requireForm(this, 'who', who, /^%?[A-Za-z_][A-Za-z0-9_.-]*$/, 'a user, or "%" and a group', 'Write it as ann or %ops'); // prettier-ignore
    requireForm(this, 'runAs', runAs, /^[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?$/, 'a user, or "user:group"', 'Write it as postgres'); // prettier-ignore
    addRule(this, () =>
      commands.length > 0
        ? []
        : [{ code: 'construct.empty', property: 'commands', got: 'there is none', fix: 'Give at least one' }],
    );
    for (const command of commands) {
      requireForm(this, 'commands', command, /^(?:ALL|!?\/\S(?:.*[^\s\\])?)$/, 'an absolute command', 'Write "ALL", or the whole path of the program and its arguments'); // prettier-ignore
    }
    sharedPackage(Host.of(this), 'sudo');
    this.file = new HostFile(this, 'file', {
      path: `/etc/sudoers.d/${name}`,
      lines: commands.map(
        (command) => `${who} ALL=(${runAs}) ${noPassword ? 'NOPASSWD: ' : ''}${escapeCommand(command)}`,
      ),
      mode: '0440',
      validate: 'sudoers',
    });
  }
}

/** sudoers(5): these separate or mean something else in a command; a backslash was written by whoever knows. */
function escapeCommand(command: string): string {
  return command.replaceAll(/(?<!\\)[,:=]/g, String.raw`\$&`);
}
