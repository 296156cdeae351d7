import { Construct } from 'constructs';
import { onlyAbsent } from './absent.js';
import type { Contribution } from './contribution.js';
import { Host } from './host.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';
import type { OwnProblem } from './problems.js';

export interface UserGroupProps {
  /** @default - the construct's id */
  readonly name?: string;
  /** @default - the host picks a free number */
  readonly gid?: number;
  /** Whether the number comes from the range for system groups. @default false */
  readonly system?: boolean;
}

const GROUP: Names<UserGroupProps> = { name: true, gid: true, system: true };

/** A group that something else makes: a package's install script, or a person. Made by `UserGroup.fromPackage`. */
export class ExistingGroup extends Construct {
  constructor(
    scope: Construct,
    id: string,
    readonly groupName: string,
  ) {
    super(scope, id);
    Host.of(this).addAssumedGroup(groupName);
  }
}

/** A group of users. */
export class UserGroup extends HostItem {
  /**
   * A group that a package brings, so that files may belong to it; nothing of it is ours. The groups of common packages
   * are known and need none.
   *
   *     const game = UserGroup.fromPackage(host, 'Debian-game');
   *     new Directory(host, 'd', { path: '/srv/game', group: game.groupName });
   *
   * @param name its name on the host. @default - the construct's id
   */
  static fromPackage(scope: Construct, id: string, name = id): ExistingGroup {
    return new ExistingGroup(scope, id, name);
  }

  readonly groupName: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: UserGroupProps = {},
  ) {
    super(scope, id);
    refuseUnknown(this, props, GROUP);
    this.groupName = props.name ?? id;
  }

  override contributions(): Contribution[] {
    const { gid, system = false } = this.props;
    return [
      { section: 'groups', key: this.groupName, value: { ...(gid === undefined ? {} : { gid }), system } },
    ];
  }
}

/** A group of this host, whoever makes it. */
interface GroupLike {
  readonly groupName: string;
}

export interface UserAccountProps {
  /** @default - the construct's id */
  readonly name?: string;
  /** @default - the host picks a free number */
  readonly uid?: number;
  /** Primary group. @default - a group of the user's own name, made with the user */
  readonly group?: string | GroupLike;
  /** @default `/home/<name>`, and `/nonexistent` for a system account */
  readonly home?: string;
  /** @default '/bin/bash', and '/usr/sbin/nologin' for a system account */
  readonly shell?: string;
  /** Supplementary groups. One that is named no longer is taken away, unless the user was in it before. @default [] */
  readonly groups?: readonly (string | GroupLike)[];
  /** An account for a service rather than a person. @default false */
  readonly system?: boolean;
  /**
   * Lines of `~/.ssh/authorized_keys`; when given, the file holds these and no others.
   * @default - the file is left alone
   */
  readonly authorizedKeys?: readonly string[];
  /**
   * The first day (UTC) on which no one can use the account, by key or password: `'2027-01-31'`. What runs as it goes on.
   * @default - none, or what the host had before
   */
  readonly expires?: string;
  /**
   * `absent`: no one is to use it, whoever made it: its password is locked and it has expired. Number, home and password
   * stay, so that it is as before when the declaration goes; with `name` alone. @default 'present'
   */
  readonly state?: 'present' | 'absent';
}

const USER: Names<UserAccountProps> = {
  name: true,
  uid: true,
  group: true,
  home: true,
  shell: true,
  groups: true,
  system: true,
  authorizedKeys: true,
  expires: true,
  state: true,
};

/** A user that something else makes: a package's install script, or a person. Made by `UserAccount.fromPackage`. */
export class ExistingUser extends Construct {
  constructor(
    scope: Construct,
    id: string,
    readonly userName: string,
  ) {
    super(scope, id);
    Host.of(this).addAssumedUser(userName);
  }
}

/** A user account. */
export class UserAccount extends HostItem {
  /**
   * A user that a package brings, so that files may belong to it and units run as it; nothing of it is ours. The users of
   * common packages are known and need none.
   *
   * @param name its name on the host. @default - the construct's id
   */
  static fromPackage(scope: Construct, id: string, name = id): ExistingUser {
    return new ExistingUser(scope, id, name);
  }

  readonly userName: string;
  readonly home: string;
  private readonly groups: Set<string>;
  private readonly keys: string[] | undefined;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: UserAccountProps = {},
  ) {
    super(scope, id);
    refuseUnknown(this, props, USER);
    this.userName = props.name ?? id;
    this.home = props.home ?? (props.system === true ? '/nonexistent' : `/home/${this.userName}`);
    this.groups = new Set(props.groups?.map(nameOf));
    this.keys = props.authorizedKeys === undefined ? undefined : [...props.authorizedKeys];
  }

  /** Name of the primary group. */
  get primaryGroup(): string {
    return this.props.group === undefined ? this.userName : nameOf(this.props.group);
  }

  addGroup(group: string | GroupLike): void {
    this.groups.add(nameOf(group));
  }

  override contributions(): Contribution[] {
    if (this.props.state === 'absent') return [{ section: 'absentUsers', key: this.userName, value: {} }];
    const { uid, group, shell, system = false, expires } = this.props;
    const value = {
      ...(uid === undefined ? {} : { uid }),
      ...(group === undefined ? {} : { group: nameOf(group) }),
      home: this.home,
      shell: shell ?? (system ? '/usr/sbin/nologin' : '/bin/bash'),
      groups: [...this.groups].sort(),
      system,
      ...(expires === undefined ? {} : { expires }),
      ...(this.keys === undefined ? {} : { authorizedKeys: [...this.keys] }),
    };
    return [{ section: 'users', key: this.userName, value }];
  }

  protected override problems(): OwnProblem[] {
    return this.props.state === 'absent' ? onlyAbsent(this.props, 'name') : [];
  }
}

function nameOf(group: string | GroupLike): string {
  return typeof group === 'string' ? group : group.groupName;
}
