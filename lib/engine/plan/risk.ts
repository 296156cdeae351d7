import type { ExpandedManifest } from '../../manifest/index.js';
import type { Change, UnitAction } from '../model.js';

/**
 * What an operator's way in depends on: sshd, firewall, network, VPN, names, accounts, sudo, PAM, the kernel's own settings.
 */
export const RISKY_PATHS: readonly RegExp[] = [
  /^\/etc\/ssh(\/|$)/,
  /^\/etc\/(nftables\.conf|nftables|nftables\.d|iptables|ufw|firewalld)(\/|$)/,
  /^\/etc\/(wireguard|openvpn|ipsec\.conf|ipsec\.d|swanctl)(\/|$)/,
  /^\/etc\/(network|netplan|NetworkManager|systemd\/network)(\/|$)/,
  /^\/etc\/systemd\/(networkd|resolved)\.conf(\.d\/|$)/,
  /^\/etc\/(resolv\.conf|hosts|hosts\.allow|hosts\.deny|nsswitch\.conf|passwd|shadow|group|gshadow|shells|login\.defs)$/,
  /^\/etc\/(sudoers|sudoers\.d|pam\.d|pam\.conf|security)(\/|$)/,
  /^(\/etc|\/run|\/usr\/lib|\/usr\/local\/lib)\/sysctl\.(conf$|d(\/|$))/,
  /\/\.ssh(\/|$)/,
];
/** What is mounted there hides programs, settings, homes or what the host remembers of itself. */
export const RISKY_MOUNTS: readonly RegExp[] = [
  /^\/(|s?bin|lib[^/]*|usr|var|etc|run|tmp|dev|proc|sys|home|root)$/,
  /^\/(etc|home|root|dev|proc|sys)\//,
  /^\/usr\/(local|((local\/)?(s?bin|lib[^/]*)))$/,
  /^\/usr\/lib[^/]*\/(systemd|openssh|sudo|security)(\/|$)/,
  /^\/var\/(lib|run|empty|lib\/(sudo|citadel-iac))$/,
  /^\/run\/(sshd|systemd|dbus|sudo)(\/|$)/,
];
/** An account that no one logs in with. */
const NO_LOGIN = /\/(nologin|false)$/;
export const RISKY_UNIT =
  /^(ssh|sshd|sshd@[^.]*|ssh@[^.]*|nftables|iptables|ip6tables|netfilter-persistent|ufw|firewalld|networking|ifup@[^.]*|NetworkManager[^.]*|systemd-networkd[^.]*|systemd-resolved|systemd-sysctl|procps|dbus|systemd-logind|systemd-user-sessions|wg-quick@[^.]*|openvpn[^.]*|strongswan[^.]*|tailscaled)\./;
export const RISKY_PACKAGE =
  /^(openssh-server|sudo|nftables|iptables|ufw|firewalld|netplan\.io|ifupdown|network-manager|systemd|systemd-resolved|libpam-.*|passwd|login|wireguard-tools|openvpn|strongswan[^:]*|tailscale)(:|$)/;
export const UNIT_FOLDER = /^\/etc\/systemd\/system\/([^/]+?)(\.d\/.*)?$/;

/**
 * Whether a plan is known to be able to cut the operator off, which the plan then says. The list decides nothing: the host
 * waits for a new connection whatever changes. Accounts that are only created take nothing from anybody.
 */
export function isRisky(
  changes: readonly Change[],
  actions: readonly UnitAction[],
  desired: ExpandedManifest,
): boolean {
  const users = Object.values(desired.users ?? {});
  const homes = new Set(users.map((user) => user.home));
  const logins = users.filter((user) => !NO_LOGIN.test(user.shell)).map((user) => user.home);
  return (
    actions.some((action) => RISKY_UNIT.test(action.unit)) ||
    changes.some((change) => isRiskyChange(change, homes, logins))
  );
}

function isRiskyChange(change: Change, homes: ReadonlySet<string>, logins: readonly string[]): boolean {
  switch (change.section) {
    case 'users':
    case 'groups':
      return change.action !== 'create';
    case 'packages':
      return RISKY_PACKAGE.test(change.key);
    case 'units':
      return RISKY_UNIT.test(change.key);
    case 'mounts':
      return (
        RISKY_MOUNTS.some((pattern) => pattern.test(change.key)) ||
        logins.some((home) => `${home}/`.startsWith(`${change.key}/`))
      );
    case 'directories':
    case 'files':
    case 'blocks':
    case 'symlinks': {
      const unit = UNIT_FOLDER.exec(change.key)?.[1];
      // sshd refuses keys below a home directory that others may write to.
      return (
        homes.has(change.key) ||
        (unit !== undefined && RISKY_UNIT.test(unit)) ||
        RISKY_PATHS.some((pattern) => pattern.test(change.key))
      );
    }
    default:
      return false;
  }
}
