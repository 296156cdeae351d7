import { AWAIT_HELD, heldText } from '../../engine/held-text.js';
import { leftText } from '../../engine/left-item.js';
import type { ObservedHost } from '../../engine/model.js';
import { isPinned, type OfferedHostKey } from '../../ssh/index.js';
import type { Examination } from './examination.js';
import { failed, ok, warning, type Finding } from '../../site/finding.js';

/** Debian's package of each tool that an apply uses; the others are in packages that every Debian has. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  findmnt: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  find: 'findutils',
  xargs: 'findutils',
  cmp: 'diffutils',
  useradd: 'passwd',
  groupadd: 'passwd',
  getent: 'libc-bin',
  sha256sum: 'coreutils',
  'dpkg-query': 'dpkg',
  'apt-get': 'apt',
};
/** Needed only by manifests that say so. */
const OPTIONAL: Readonly<Record<string, string>> = { curl: 'HTTP checks need it' };

/** The oldest systemd that the host programs are tested with. */
const OLDEST_SYSTEMD = 252;

/** Keys of a host against the pins of the inventory. */
export function judgeHostKeys(
  host: string,
  offered: readonly OfferedHostKey[],
  pins: readonly string[],
  file: string,
): Finding {
  const pinned = offered.filter((key) => isPinned(key, pins));
  if (pinned.length > 0) {
    const others = offered.filter((key) => !pinned.includes(key));
    const also = others.length === 0 ? '' : `; it also has ${others.map(describeKey).join(', ')}`;
    const untyped = slowPin(pinned, others, pins);
    if (untyped !== undefined) {
      return warning(
        'host key',
        `pinned: ${describeKey(untyped)}, which the host shows only when asked for that type: each log-in costs a connection more, and sshd may refuse an address that makes many${also}`,
        `Say the type in hosts.${host}.ssh.hostKeys of ${file}: "${describeKey(untyped)}"`,
      );
    }
    return ok('host key', `pinned: ${pinned.map(describeKey).join(', ')}${also}`);
  }
  if (offered.length === 0) {
    return failed(
      'host key',
      'the server offers no key of a type that we accept',
      'Look at HostKey in its sshd_config.',
    );
  }
  const [best] = offered as readonly [OfferedHostKey, ...OfferedHostKey[]];
  const offers = offered.map(describeKey).join(', ');
  const compare =
    `On the host's own console run "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done" and compare. ` +
    `If equal, put ${best.fingerprint} into hosts.${host}.ssh.hostKeys of ${file}`;
  if (pins.length === 0)
    return failed('host key', `no host key pinned for ${host}; it offers ${offers}`, `${compare}.`);
  return failed(
    'host key',
    `the key is not the pinned one: another machine may be answering, or the host was reinstalled; it offers ${offers}`,
    `${compare} in place of ${pins.join(', ')}.`,
  );
}

/** The key by which a host is pinned that has better ones, without its type in the pin. */
function slowPin(
  pinned: readonly OfferedHostKey[],
  others: readonly OfferedHostKey[],
  pins: readonly string[],
): OfferedHostKey | undefined {
  const [key] = pinned;
  if (key === undefined || key.type === 'ssh-ed25519' || pinned.some(({ type }) => type === 'ssh-ed25519'))
    return undefined;
  const better = key.type === 'ssh-rsa' ? /^(ssh-ed25519|ecdsa-)/ : /^ssh-ed25519$/;
  return pins.includes(key.fingerprint) && others.some(({ type }) => better.test(type)) ? key : undefined;
}

function describeKey(key: OfferedHostKey): string {
  return `${key.type} ${key.fingerprint}`;
}

/** What was examined on a host, against what an apply needs. `nowSec` is this machine's clock at that moment. */
export function judgeExamination(found: Examination, nowSec: number, offline: boolean): Finding[] {
  return [
    ok('system', found.system === '' ? 'it does not say what it is' : found.system),
    judgeTools(found.tools),
    ...(offline ? [] : [judgeSystemd(found), judgeClock(found.time - nowSec)]),
    ...[...found.space].map(([place, space]) => judgeSpace(place, space)),
  ];
}

function judgeTools(tools: Examination['tools']): Finding {
  const missing = [...tools].filter(([, there]) => !there).map(([tool]) => tool);
  const needed = missing.filter((tool) => !(tool in OPTIONAL));
  if (needed.length > 0) {
    const packages = [...new Set(needed.map((tool) => PACKAGE_OF[tool] ?? tool))].sort();
    return failed(
      'tools',
      `missing: ${needed.join(', ')}`,
      `On the host: sudo apt-get install ${packages.join(' ')}`,
    );
  }
  if (missing.length > 0) {
    const why = missing.map((tool) => `${tool} (${OPTIONAL[tool] ?? ''})`).join(', ');
    return warning('tools', `missing: ${why}`, `On the host: sudo apt-get install ${missing.join(' ')}`);
  }
  return ok('tools', `all ${tools.size} there`);
}

function judgeSystemd(found: Examination): Finding {
  if (found.systemd === undefined || found.booted !== true) {
    return failed('systemd', 'the host does not run systemd', 'Manage hosts that do, or an offline root.');
  }
  if (found.systemd < OLDEST_SYSTEMD) {
    return warning(
      'systemd',
      `version ${found.systemd}, older than ${OLDEST_SYSTEMD}`,
      'Upgrade the host to Debian 12, Ubuntu 24.04 or later.',
    );
  }
  return ok('systemd', `version ${found.systemd}`);
}

function judgeClock(aheadSec: number): Finding {
  const off = Math.abs(aheadSec);
  if (off <= 5) return ok('clock', 'agrees with this machine');
  const found = `${Math.round(off)} s ${aheadSec > 0 ? 'ahead of' : 'behind'} this machine`;
  return warning(
    'clock',
    found,
    'On the host: sudo timedatectl set-ntp true (times in the history are the host’s).',
  );
}

/** An apply keeps what it replaces; below this it may not be able to. */
const LEAST_FREE_MIB = 100;
const LOW_FREE_MIB = 1024;
const LEAST_FREE_INODES = 2000;

function judgeSpace(
  place: string,
  { freeKiB, freeInodes }: { readonly freeKiB: number; readonly freeInodes: number | null },
): Finding {
  const name = `space in ${place}`;
  const mib = Math.floor(freeKiB / 1024);
  const size = mib >= 10_240 ? `${Math.floor(mib / 1024)} GiB free` : `${mib} MiB free`;
  const fix = `Make room: sudo du -xh --max-depth=2 ${place} | sort -h | tail`;
  if (!Number.isFinite(freeKiB) || mib < LEAST_FREE_MIB) return failed(name, size, fix);
  if (freeInodes !== null && freeInodes < LEAST_FREE_INODES) {
    return failed(name, `${size}, but room for only ${freeInodes} more files`, fix);
  }
  return mib < LOW_FREE_MIB ? warning(name, size, fix) : ok(name, size);
}

/** Whether an earlier apply left something to be done. */
export function judgeState(host: string, { open, debts, generation }: ObservedHost): Finding[] {
  const at = generation === null ? 'nothing was ever applied' : `generation ${generation}`;
  if (open?.running === true) {
    return [
      warning(
        'transaction',
        [`${open.who} is applying since ${open.since} (${open.state})`, heldText(open)]
          .filter((each) => each !== '')
          .join('; '),
        `${AWAIT_HELD}.`,
      ),
    ];
  }
  if (open?.left !== undefined) {
    return open.left.map((item) =>
      failed(
        'transaction',
        `one of ${open.who}, begun ${open.since}, could not undo ${leftText(item)}`,
        `Look at it: "citadel-iac resolve ${host}". Nothing else can be applied before that.`,
      ),
    );
  }
  if (open !== null) {
    return [
      failed(
        'transaction',
        `one of ${open.who}, begun ${open.since}, was interrupted (${open.state})`,
        `Run "citadel-iac apply ${host}": it recovers first. A reboot of the host does too.`,
      ),
    ];
  }
  if (debts.length > 0) {
    return [
      failed(
        'transaction',
        `an earlier run still owes: ${debts.join(', ')}`,
        `Run "citadel-iac apply ${host}": it pays first.`,
      ),
    ];
  }
  return [ok('transaction', `none open; ${at}`)];
}
