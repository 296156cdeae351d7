import type { HostManifest, ManifestCheck, Section } from '../manifest/index.js';

/** What stands at a path of the host. Absent paths have no entry in {@link ObservedHost.paths}. */
export interface ObservedPath {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  /** Account name, or the number where the host knows no name for it. */
  readonly owner: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
  /** Four octal digits, `"0644"`. */
  readonly mode: string;
  /** True of a regular file with an access control list, unless its directory has one too, which may give it to files. */
  readonly acl?: true;
  /** Bytes; of a directory, unspecified. */
  readonly size: number;
  /** Of a regular file: lower-case hexadecimal. */
  readonly sha256?: string;
  /** Of a symbolic link; bytes that are not UTF-8 as `\xe9`. */
  readonly target?: string;
  /** Of a symbolic link whose target is not UTF-8: its bytes, in base64. */
  readonly targetBytes?: string;
  /** Of a directory where none is wanted: how many entries it has, counted up to 1000. */
  readonly entries?: number;
}

/** What is known of a path from before any generation named it. */
export interface ObservedBefore {
  /** Where a copy of what stood there is kept; what it is like stands in {@link ObservedHost.paths}. */
  readonly copy?: string;
  /** True when the records of an older version of this tool show that nothing stood there. */
  readonly made?: boolean;
  /** The package that the path belongs to. */
  readonly owner?: string;
}

export interface ObservedUnit {
  /** `loaded`, `not-found`, `masked`, `error`, `bad-setting` … (systemd's LoadState). */
  readonly load: string;
  /** `active`, `inactive`, `failed`, `activating` … (ActiveState). */
  readonly active: string;
  /** `enabled`, `disabled`, `static`, `masked`, `masked-runtime` … or empty (UnitFileState). */
  readonly fileState: string;
  readonly needDaemonReload: boolean;
  /** SubState: `running`, `exited`, `auto-restart` … */
  readonly sub?: string;
  /** How it ended the last time: `success`, `exit-code` … */
  readonly result?: string;
  /** False when it is inactive and a `Condition…=` of it does not hold, so that systemd would skip it. */
  readonly condition?: boolean;
  /** True of a oneshot service that does not remain active: it does its work and ends. */
  readonly job?: boolean;
  /** All files of its name, or of its template's, where systemd looks for them; the first is the one that counts. */
  readonly files?: readonly string[];
  /** Drop-ins that it reads, absolute paths. */
  readonly dropIns?: readonly string[];
  /** Its own name, where it was asked for by another one: `ssh.service` of `sshd.service`. */
  readonly realName?: string;
}

export interface ObservedUser {
  readonly uid: number;
  readonly gid: number;
  /** Name of the primary group. */
  readonly group: string;
  readonly home: string;
  readonly shell: string;
  /** Supplementary groups, sorted. */
  readonly groups: readonly string[];
  /** The first day on which it cannot be used, `2027-01-31`; `null`: there is none. Absent where shadow(5) cannot be seen. */
  readonly expires?: string | null;
  /** Whether its password is locked; absent likewise. */
  readonly locked?: boolean;
}

export interface ObservedMount {
  readonly source: string;
  readonly type: string;
  readonly options: readonly string[];
  /** What findmnt(8) knows of the source: its label, UUIDs and the directory of it that is mounted. */
  readonly label?: string;
  readonly uuid?: string;
  readonly partLabel?: string;
  readonly partUuid?: string;
  readonly fsRoot?: string;
}

/** Whose run holds a host, and when the host ends it by itself; times are RFC 3339, UTC. */
export interface Held {
  /** What the lock says: who, and since when. */
  readonly who: string;
  readonly since: string;
  /** The host has asked for a new connection, and undoes everything where none comes. */
  readonly asked?: { readonly since: string; readonly until: string };
  /** By then it has been undone if it has not ended. */
  readonly ends?: string;
}

/** A transaction that was begun on the host and has not ended. */
export interface OpenTransaction extends Held {
  readonly id: string;
  /** True while a process holds the lock for it; false when it died and waits for recovery. */
  readonly running: boolean;
  /** `begun`, `switching`, `switched`, `committed`, `undoing`, `undo-failed` … */
  readonly state: string;
  /** What its undo could not put back; absent when it was not tried, or everything is back. */
  readonly left?: readonly LeftItem[];
}

/** One thing that an undo could not put back. */
export interface LeftItem {
  /** `path`, `mount`, or a part of the undo as a whole: `packages`, `accounts`, `links`, `units` … */
  readonly kind: string;
  /** The path or mount point; empty for a part as a whole. */
  readonly item: string;
  /** The tool's own words, in one line: `Operation not permitted`. */
  readonly reason: string;
}

/** One such thing, and what stands there now. */
export interface LeftPlace extends LeftItem {
  /** Of a path that exists: type, mode, owner, group and size, `f 644 root root 120`. */
  readonly now?: string;
  /** Of a path: as it was `before`, as the `transaction` put it, as an `other` made it, or `absent`. */
  readonly whose?: 'before' | 'transaction' | 'other' | 'absent';
  /** Of a path: where the host keeps the copy of before. */
  readonly kept?: string;
}

/**
 * What a generation made of one item, in the terms in which it can be observed again: of a file its type, owner,
 * group, mode and the sha256 of its contents; of a unit whether it is enabled and runs (`diff/facts.ts`). `adopted`
 * says that it stood on the host before the first generation that named it; a file or link of which that is not known,
 * because an older version of this tool named it first, has no such member. `had` of a user: groups that it was in before
 * a generation named them; `was` of a user and of a unit: what a generation may have changed of it, as it was before one named it.
 */
export type AppliedItem = Readonly<Record<string, unknown>>;

/**
 * The items of a generation without their contents: enough to tell `config` from `drift`, and to know what left
 * the configuration. `generations/N/index.json` holds it; `appliedIndex(plan)` makes it.
 */
export type AppliedIndex = { readonly [S in Section]?: Readonly<Record<string, AppliedItem>> };

/** An offline root: a directory of this machine that is read and written in a host's stead. */
export interface OfflineRoot {
  /** False when this process is not root: owners cannot be set there, and are not compared. */
  readonly privileged: boolean;
  /** Whether the root has its own `/etc/passwd` and `/etc/group`. */
  readonly accounts: boolean;
  /** UnitFileState by unit, empty for a unit without a file; `null` when this machine has no systemctl to ask. */
  readonly unitFiles: ReadonlyMap<string, string> | null;
}

/** One immutable snapshot of a host, made by one remote read. */
export interface ObservedHost {
  readonly generation: number | null;
  /** Digest of the current generation's manifest. */
  readonly digest: string | null;
  /** Items of the current generation; `null` when the host has none. */
  readonly applied: AppliedIndex | null;
  /** Work that an earlier run owed and did not prove done, for example `restart prometheus.service`. */
  readonly debts: readonly string[];
  readonly open: OpenTransaction | null;
  /** Why it should be started again; absent where it need not. */
  readonly reboot?: readonly string[];
  /** Its release, as `debian-12`; absent where it says none. */
  readonly os?: string;
  readonly paths: ReadonlyMap<string, ObservedPath>;
  /** Of paths that leave: what stood there before us; absent where none leaves. */
  readonly before?: ReadonlyMap<string, ObservedBefore>;
  /** Whole bytes of the files that hold blocks, and of those fetched because they differ. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** `null` where there is no running systemd to ask (offline root). */
  readonly units: ReadonlyMap<string, ObservedUnit> | null;
  readonly packages: ReadonlyMap<string, string>;
  /** What apt stops at: `held` packages of the document, and of any name those that dpkg did not end (`half-configured`). */
  readonly stuckPackages?: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, number>;
  readonly users: ReadonlyMap<string, ObservedUser>;
  /** By mount point; `null` for an offline root. */
  readonly mounts: ReadonlyMap<string, ObservedMount> | null;
  /** Key for the digests in secret tokens; `null` before the first apply. */
  readonly secretKey: Buffer | null;
  /** `null` for a live host. */
  readonly offline: OfflineRoot | null;
}

export type ChangeAction = 'create' | 'update' | 'delete';
/** `config`: the desired state moved; `drift`: the host was changed by hand; `both`. */
export type ChangeCause = 'config' | 'drift' | 'both';

/** One difference between what is wanted and what is there: data for every renderer (text, JSON, Terraform). */
export interface Change {
  readonly section: Section;
  readonly key: string;
  readonly action: ChangeAction;
  readonly cause: ChangeCause;
  /** Attributes as they are and as they will be, without file contents and never with a secret. */
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  /** Unified diff with three lines of context, of text; secrets as tokens. */
  readonly diff?: string;
  /** Units that this change restarts (or starts, or stops) and reloads. */
  readonly restarts?: readonly string[];
  readonly reloads?: readonly string[];
  /** Construct path of the item, from the manifest's `origins`. */
  readonly origin?: string;
  /** A remark for the reader, for example `not empty: 3 entries are kept in generation 4`. */
  readonly note?: string;
}

/** What units will be asked to do, in order. */
export interface UnitAction {
  readonly unit: string;
  readonly verb: 'stop' | 'start' | 'restart' | 'reload' | 'enable' | 'disable' | 'unmask';
  readonly wave: number;
}

/** Everything that is known before anything is touched. Apply takes this and nothing else. */
export interface HostPlan {
  readonly host: string;
  readonly manifest: HostManifest;
  readonly digest: string;
  readonly observed: ObservedHost;
  readonly changes: readonly Change[];
  readonly unitActions: readonly UnitAction[];
  readonly checks: Readonly<Record<string, ManifestCheck>>;
  /** True when the host must write a generation even if no item differs (first adoption, or only annotations moved). */
  readonly record: boolean;
  /** True when a change is known to be able to cut the operator off. Every apply is confirmed, whatever this says. */
  readonly risky: boolean;
  /** For people: what was left out and why, debts that will be paid, an open transaction that will be undone. */
  readonly notes: readonly string[];
  /** Resolved bytes of each file that will be written, by path. May hold secrets: never printed or stored. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Value of each secret that the manifest names; kept on the host, for root alone, with the generation. Never printed. */
  readonly secrets?: ReadonlyMap<string, Buffer>;
}

export type ApplyOutcome =
  /** The host is at the new generation. */
  | 'committed'
  /** Nothing to do; nothing was written. */
  | 'unchanged'
  /** A validator, a conflict, a full disk or a missing tool stopped it before the switch: the host is untouched. */
  | 'refused'
  /** Another transaction holds the lock. */
  | 'locked'
  /** A step after the switch failed; the host undid everything. */
  | 'rolled-back'
  /** The undo itself failed, of this transaction or of an earlier one: a person must look (`citadel-iac resolve`). */
  | 'undo-failed';

export interface ApplyFailure {
  /** `validate`, `compare`, `packages`, `switch`, `units`, `checks`, `confirm` … */
  readonly step: string;
  /** `section/key` of the item, where one item is to blame. */
  readonly item?: string;
  readonly origin?: string;
  /** The tool's own words. */
  readonly output: string;
}

export interface ApplyResult {
  readonly host: string;
  readonly outcome: ApplyOutcome;
  /** The host's current generation afterwards. */
  readonly generation: number | null;
  readonly transaction?: string;
  readonly failure?: ApplyFailure;
  /** One sentence: what state the host is in and what it will do next. */
  readonly next: string;
  readonly notes: readonly string[];
}

/** One line of `history`. */
export interface GenerationRecord {
  readonly generation: number;
  readonly digest: string;
  /** RFC 3339, UTC, by the host's clock. */
  readonly time: string;
  readonly who: string;
  /** Commit of the repository that it was applied from, with `-dirty` where that was changed; absent where none is known. */
  readonly commit?: string;
  /** Version of the tool that applied it; absent of one that an old tool, or the host itself, made. */
  readonly tool?: string;
  readonly current: boolean;
  /** Never dropped while it is pinned. */
  readonly pinned: boolean;
  /** `12 changes: files 8, units 4`. */
  readonly summary: string;
}

/** How a command of the operator's ended on a host. */
export interface CommandAnswer {
  readonly exitCode: number;
  /** The host ended it because its time was up. */
  readonly timedOut: boolean;
  /** The first 64 KiB of each, as UTF-8; what is not UTF-8 is U+FFFD. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes of each that are not in it. */
  readonly leftOut: { readonly stdout: number; readonly stderr: number };
}

/** A command that was run on a host with `citadel-iac run`. */
export interface RunRecord {
  /** RFC 3339, UTC, by the host's clock. */
  readonly time: string;
  readonly who: string;
  /** Account that it ran as. */
  readonly user: string;
  readonly command: readonly string[];
  /** `null`: it has not ended, or the host does not know how. */
  readonly exitCode: number | null;
}

/** What a host knows of its own state. */
export interface HostStatus {
  /** `null`: nothing was ever applied. */
  readonly generation: number | null;
  readonly digest?: string;
  /** When the current generation was applied, RFC 3339, UTC, by the host's clock, and how long ago that is. */
  readonly applied?: string;
  readonly appliedAgeSec?: number;
  readonly who?: string;
  readonly commit?: string;
  /** Of the host's own last comparison; `null` where it makes none. */
  readonly drift: {
    readonly items: number;
    readonly ageSec: number;
    /** The generation that it was compared with. */
    readonly generation: number | null;
  } | null;
  readonly open: {
    readonly id: string;
    readonly running: boolean;
    readonly who: string;
    readonly since: string;
    /** Things that its undo could not put back. */
    readonly left: number;
  } | null;
  /** Why the host should be started again; empty: it need not. */
  readonly reboot: readonly string[];
  /** Name that the kernel gave this boot; absent in an offline root. */
  readonly boot?: string;
  /** By kind: seconds since the last good one of each, `null` where there is none. */
  readonly backups: Readonly<Record<string, { readonly ageSec: number | null; readonly overdue: boolean }>>;
}
