import type { Construct } from 'constructs';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';

export interface UserGroupProps {
  /** @default - the construct's id */
  readonly name?: string;
  /** @default - the host picks a free number */
  readonly gid?: number;
  /** Whether the number comes from the range for system groups. @default false */
  readonly system?: boolean;
}

/** A group of users. */
export class UserGroup extends HostItem {
  readonly groupName: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: UserGroupProps = {},
  ) {
    super(scope, id);
    this.groupName = props.name ?? id;
  }

  override contributions(): Contribution[] {
    const { gid, system = false } = this.props;
    return [
      { section: 'groups', key: this.groupName, value: { ...(gid === undefined ? {} : { gid }), system } },
    ];
  }
}

export interface UserAccountProps {
  /** @default - the construct's id */
  readonly name?: string;
  /** @default - the host picks a free number */
  readonly uid?: number;
  /** Primary group. @default - a group of the user's own name, made with the user */
  readonly group?: string | UserGroup;
  /** @default `/home/<name>`, and `/nonexistent` for a system account */
  readonly home?: string;
  /** @default '/bin/bash', and '/usr/sbin/nologin' for a system account */
  readonly shell?: string;
  /** Supplementary groups. One that is named no longer is taken away, unless the user was in it before. @default [] */
  readonly groups?: readonly (string | UserGroup)[];
  /** An account for a service rather than a person. @default false */
  readonly system?: boolean;
  /**
   * Lines of `~/.ssh/authorized_keys`; when given, the file holds these and no others.
   * @default - the file is left alone
   */
  readonly authorizedKeys?: readonly string[];
}

/** A user account. */
export class UserAccount extends HostItem {
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
    this.userName = props.name ?? id;
    this.home = props.home ?? (props.system === true ? '/nonexistent' : `/home/${this.userName}`);
    this.groups = new Set(props.groups?.map(nameOf));
    this.keys = props.authorizedKeys === undefined ? undefined : [...props.authorizedKeys];
  }

  /** Name of the primary group. */
  get primaryGroup(): string {
    return this.props.group === undefined ? this.userName : nameOf(this.props.group);
  }

  addGroup(group: string | UserGroup): void {
    this.groups.add(nameOf(group));
  }

  override contributions(): Contribution[] {
    const { uid, group, shell, system = false } = this.props;
    const value = {
      ...(uid === undefined ? {} : { uid }),
      ...(group === undefined ? {} : { group: nameOf(group) }),
      home: this.home,
      shell: shell ?? (system ? '/usr/sbin/nologin' : '/bin/bash'),
      groups: [...this.groups].sort(),
      system,
      ...(this.keys === undefined ? {} : { authorizedKeys: [...this.keys] }),
    };
    return [{ section: 'users', key: this.userName, value }];
  }
}

function nameOf(group: string | UserGroup): string {
  return typeof group === 'string' ? group : group.groupName;
}
