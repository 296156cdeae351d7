import { Construct } from 'constructs';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { requireFileName, requireForm, ONE_LINE } from './forms.js';
import { sharedUnit } from './shared-unit.js';

export interface SysctlProps {
  /** File name in /etc/sysctl.d, without `.conf`; later names win. @default - `60-` and the construct's id */
  readonly name?: string;
  /** `{ 'net.ipv4.ip_forward': 1 }`. A key that begins with `-` may be missing on the host. */
  readonly settings: Readonly<Record<string, string | number>>;
}

const SYSCTL: Names<SysctlProps> = { name: true, settings: true };

/**
 * Settings of the kernel, now and at boot. A key that the host's kernel does not have is refused before anything changes.
 *
 *     new Sysctl(host, 'web', { settings: { 'net.core.somaxconn': 4096 } });
 */
export class Sysctl extends Construct {
  readonly file: HostFile;

  constructor(scope: Construct, id: string, props: SysctlProps) {
    super(scope, id);
    refuseUnknown(this, props, SYSCTL);
    const name = props.name ?? `60-${id}`;
    requireFileName(this, name);
    addRule(this, () =>
      Object.keys(props.settings).length > 0
        ? []
        : [{ code: 'construct.empty', property: 'settings', got: 'there is none', fix: 'Give at least one' }],
    );
    for (const [key, value] of Object.entries(props.settings)) {
      requireForm(this, `settings[${JSON.stringify(key)}]`, key, /^-?[A-Za-z0-9_*-]+(?:[./][A-Za-z0-9_*:-]+)+$/, 'a key of sysctl', 'Write it as sysctl prints it: net.ipv4.ip_forward'); // prettier-ignore
      requireForm(this, `settings[${JSON.stringify(key)}]`, value, ONE_LINE, 'a value of one line', 'Give one line'); // prettier-ignore
    }
    this.file = new HostFile(this, 'file', {
      path: `/etc/sysctl.d/${name}.conf`,
      lines: Object.entries(props.settings).map(([key, value]) => `${key} = ${value}`),
      validate: 'sysctl',
    });
    const unit = { name: 'systemd-sysctl.service', enabled: null };
    sharedUnit(Host.of(this), unit).addRestartOn(this.file);
  }
}

export interface KernelModuleProps {
  /** The module's name. @default - the construct's id */
  readonly name?: string;
  /** Parameters: `{ max_loop: 64 }`; they hold from the next time it is loaded. @default {} */
  readonly options?: Readonly<Record<string, string | number>>;
  /** `loaded`: now and at boot; `blocked`: never, not even when something asks for it. @default 'loaded' */
  readonly state?: 'loaded' | 'blocked';
}

const MODULE: Names<KernelModuleProps> = { name: true, options: true, state: true };

/** A kernel module that is loaded, or never is. A module that leaves the stack stays loaded until the next boot. */
export class KernelModule extends Construct {
  readonly moduleName: string;

  constructor(scope: Construct, id: string, props: KernelModuleProps = {}) {
    super(scope, id);
    refuseUnknown(this, props, MODULE);
    const { name = id, options = {}, state = 'loaded' } = props;
    this.moduleName = name;
    requireForm(
      this,
      'name',
      name,
      /^[A-Za-z0-9_-]+$/,
      'the name of a module',
      'Use letters, digits, "_" and "-"',
    );
    for (const [key, value] of Object.entries(options)) {
      requireForm(this, 'options', key, /^\w+$/, 'the name of a parameter', 'Write it as modinfo prints it');
      requireForm(this, `options.${key}`, value, /^[^\s"'\\]+$/, 'one word', 'Give one word without quotes');
    }
    const lines = [
      ...Object.entries(options).map(([key, value]) => `options ${name} ${key}=${value}`),
      // "blacklist" alone would not keep a dependency or a person from loading it.
      ...(state === 'blocked' ? [`blacklist ${name}`, `install ${name} /bin/false`] : []),
    ];
    if (lines.length > 0) new HostFile(this, 'options', { path: `/etc/modprobe.d/${name}.conf`, lines });
    if (state === 'blocked') return;
    const load = new HostFile(this, 'load', { path: `/etc/modules-load.d/${name}.conf`, lines: [name] });
    const unit = { name: 'systemd-modules-load.service', enabled: null };
    sharedUnit(Host.of(this), unit).addRestartOn(load);
  }
}
