import type { ObservedUser } from '../model.js';
import type { Fields } from './fields.js';
import { unreadable } from './fields.js';
import type { ParseContext, SectionReader } from './observation.js';

/** Names by number, as passwd(5) and group(5) of an offline root have them. */
export interface AccountNames {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

export interface Accounts {
  readonly users: ReadonlyMap<string, ObservedUser>;
  readonly groups: ReadonlyMap<string, number>;
  readonly names: AccountNames;
  /** Whether there were account files at all. */
  readonly present: boolean;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}
interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Section `accounts`: lines of passwd(5) and group(5). */
export class AccountReader implements SectionReader {
  readonly #context: ParseContext;
  #passwd: PasswdEntry[] = [];
  #group: GroupEntry[] = [];
  readonly #access = new Map<string, Pick<ObservedUser, 'expires' | 'locked'>>();
  #present = 0;

  constructor(context: ParseContext) {
    this.#context = context;
  }

  read(tag: string, fields: Fields): boolean {
    if (tag === 'passwd') this.#passwd = this.#entries(fields.take(), 7, passwdEntry);
    else if (tag === 'group') this.#group = this.#entries(fields.take(), 4, groupEntry);
    else if (tag === 'access') {
      this.#readAccess(fields.take());
      return true;
    } else return false;
    this.#present += 1;
    return true;
  }

  result(): Accounts {
    const { request, offline } = this.#context;
    const users = new Map<string, ObservedUser>();
    const groups = new Map<string, number>();
    // The first entry of a number is the one whose name ls(1) shows.
    const names = { users: new Map<number, string>(), groups: new Map<number, string>() };
    for (const { name, gid } of this.#group) {
      if (!names.groups.has(gid)) names.groups.set(gid, name);
      if ((offline || request.groups.includes(name)) && !groups.has(name)) groups.set(name, gid);
    }
    for (const { name, uid, gid, home, shell } of this.#passwd) {
      if (!names.users.has(uid)) names.users.set(uid, name);
      if (users.has(name) || !(offline || request.users.includes(name))) continue;
      const member = this.#group.filter((entry) => entry.members.includes(name)).map((entry) => entry.name);
      const group = names.groups.get(gid) ?? String(gid);
      users.set(name, {
        uid,
        gid,
        group,
        home,
        shell,
        groups: [...new Set(member)].sort(),
        ...this.#access.get(name),
      });
    }
    return { users, groups, names, present: this.#present === 2 };
  }

  /** Lines NAME:LOCKED:DAY, of shadow(5) without what is secret in it. */
  #readAccess(text: string): void {
    for (const line of text.split('\n')) {
      const [name = '', locked, day = ''] = line.split(':');
      if (name === '' || this.#access.has(name)) continue;
      this.#access.set(name, { expires: dateOf(day), locked: locked === '1' });
    }
  }

  #entries<Entry>(text: string, length: number, read: (parts: readonly string[]) => Entry): Entry[] {
    const entries: Entry[] = [];
    for (const line of text.split('\n')) {
      // Empty lines, comments and NIS inclusions name no account.
      if (line === '' || /^[#+-]/.test(line)) continue;
      const parts = line.split(':');
      if (parts.length === length && /^[0-9]+$/.test(parts[2] ?? '')) entries.push(read(parts));
      else {
        const got = `the account line ${JSON.stringify(line)}`;
        this.#context.problems.push(unreadable(this.#context.source, got));
      }
    }
    return entries;
  }
}

function passwdEntry(parts: readonly string[]): PasswdEntry {
  const [name = '', , uid, gid, , home = '', shell = ''] = parts;
  return { name, uid: Number(uid), gid: Number(gid), home, shell };
}

function groupEntry(parts: readonly string[]): GroupEntry {
  const [name = '', , gid, members = ''] = parts;
  return { name, gid: Number(gid), members: members.split(',').filter((member) => member !== '') };
}

/** A day of shadow(5), counted from 1970-01-01; empty: `null`. One that is no date stays a number. */
function dateOf(day: string): string | null {
  if (day === '') return null;
  const time = /^[0-9]{1,6}$/.test(day) ? new Date(Number(day) * 86_400_000) : undefined;
  return time === undefined ? day : time.toISOString().replace(/T.*/, '');
}
