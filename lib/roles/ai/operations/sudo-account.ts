import { Construct } from 'constructs';
import { AptPackage, HostFile, UserAccount } from '../../../constructs/host/index.js';

export interface SudoAccountProps {
  /** @default - the construct's id */
  readonly name?: string;
  /** Lines of its authorized_keys; when given, no other key can log in. @default - the file is left alone */
  readonly authorizedKeys?: readonly string[];
  /** Groups besides `sudo`: `adm` and `systemd-journal` let it read all logs. @default [] */
  readonly groups?: readonly string[];
}

/** A person's account that may become root without a password: what this project logs in as. */
export class SudoAccount extends Construct {
  readonly userName: string;

  constructor(scope: Construct, id: string, props: SudoAccountProps = {}) {
    super(scope, id);
    this.userName = props.name ?? id;
    new AptPackage(this, 'package', { name: 'sudo' });
    new UserAccount(this, 'user', {
      name: this.userName,
      groups: ['sudo', ...(props.groups ?? [])],
      ...(props.authorizedKeys === undefined ? {} : { authorizedKeys: props.authorizedKeys }),
    });
    new HostFile(this, 'sudoers', {
      // sudo skips files with a "." in their name.
      path: `/etc/sudoers.d/citadel-${this.userName}`,
      lines: [`${this.userName} ALL=(ALL:ALL) NOPASSWD: ALL`],
      mode: '0440',
      validate: 'sudoers',
    });
  }
}
