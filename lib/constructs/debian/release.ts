import type { Construct } from 'constructs';
import { Host } from '../host/host.js';
import { addRule } from '../host/problems.js';

/** What a construct needs that not every release has: refused where the host says that it has an older one. */
export function needsRelease(construct: Construct, atLeast: 13, what: string): void {
  addRule(construct, () => {
    const { os } = Host.of(construct);
    if (os === undefined || Number(os.replace('debian-', '')) >= atLeast) return [];
    return [
      {
        code: 'construct.release',
        got: `the host has Debian ${os.replace('debian-', '')} (os: ${os}), and ${what}`,
        fix: `Upgrade the host to Debian ${String(atLeast)} and say os: debian-${String(atLeast)}, or take this out`,
      },
    ];
  });
}
