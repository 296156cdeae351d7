import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { requireForm } from './forms.js';
import { sharedPackage } from './shared-unit.js';

export interface UnattendedUpgradesProps {
  /** What may be upgraded: Debian's security updates, those and stable updates. @default 'security' */
  readonly from?: 'security' | 'updates';
  /** Packages that it never touches, as regular expressions of their names: those of pinned versions. @default [] */
  readonly except?: readonly string[];
  /** Whether the host reboots for what asks for it, and when (24 hours, `04:30`). @default - never */
  readonly rebootAt?: string;
  /** Who gets mail about errors. @default - no one */
  readonly mailTo?: string;
}

const NAMES: Names<UnattendedUpgradesProps> = { from: true, except: true, rebootAt: true, mailTo: true };

/**
 * Security updates that the host takes by itself, daily. A package that the document pins to a version should be in `except`,
 * or the host changes what the document says.
 */
export class UnattendedUpgrades extends Construct {
  constructor(scope: Construct, id: string, props: UnattendedUpgradesProps = {}) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { from = 'security', except = [], rebootAt, mailTo } = props;
    requireForm(
      this,
      'rebootAt',
      rebootAt,
      /^(?:[01]\d|2[0-3]):[0-5]\d$/,
      'a time of day',
      'Write it as 04:30',
    );
    requireForm(this, 'mailTo', mailTo, /^[^\s"\\;{}]+$/, 'an address', 'Write it as ops@example.org');
    for (const each of except) requireForm(this, 'except', each, /^[^\s"\\;{}]+$/, 'a pattern of package names', 'Write it as ^linux-'); // prettier-ignore
    addRule(
      this,
      () =>
      ['security', 'updates'].includes(from)
        ? []
        : [{ code: 'construct.value', property: 'from', got: JSON.stringify(from), fix: 'Give "security" or "updates"' }], // prettier-ignore
    );
    sharedPackage(Host.of(this), 'unattended-upgrades');
    const list = (name: string, values: readonly string[]): string[] => [
      `#clear Unattended-Upgrade::${name};`,
      `Unattended-Upgrade::${name} {`,
      ...values.map((value) => `    "${value}";`),
      '};',
    ];
    new HostFile(this, 'when', {
      path: '/etc/apt/apt.conf.d/20auto-upgrades',
      lines: ['APT::Periodic::Update-Package-Lists "1";', 'APT::Periodic::Unattended-Upgrade "1";'],
      validate: READ,
    });
    new HostFile(this, 'what', {
      // After Debian's own 50unattended-upgrades.
      path: '/etc/apt/apt.conf.d/51citadel-upgrades',
      lines: [
        ...list('Origins-Pattern', [
          'origin=Debian,codename=${distro_codename}-security,label=Debian-Security',
          'origin=Debian,codename=${distro_codename},label=Debian-Security',
          ...(from === 'updates'
            ? [
                'origin=Debian,codename=${distro_codename},label=Debian',
                'origin=Debian,codename=${distro_codename}-updates',
              ]
            : []),
        ]),
        ...list('Package-Blacklist', except),
        `Unattended-Upgrade::Automatic-Reboot "${rebootAt === undefined ? 'false' : 'true'}";`,
        ...(rebootAt === undefined ? [] : [`Unattended-Upgrade::Automatic-Reboot-Time "${rebootAt}";`]),
        ...(mailTo === undefined ? [] : [`Unattended-Upgrade::Mail "${mailTo}";`]),
      ],
      validate: READ,
    });
  }
}

/** apt reads all of its configuration, and says where it cannot. */
const READ = { command: ['apt-config', 'dump'] };
