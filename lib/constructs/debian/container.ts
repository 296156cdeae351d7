import { Construct } from 'constructs';
import { renderUnitFile, words } from '../../render/index.js';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, unknownProps, type Names } from '../host/known-props.js';
import type { ListenProps } from '../host/listen.js';
import { pathOf, type PathLike } from '../host/ownership.js';
import { PackageUnit } from '../host/package-unit.js';
import { addRule } from '../host/problems.js';
import { Symlink } from '../host/symlink.js';
import type { SecretRef } from '../secret.js';
import { Duration } from '../units.js';
import { requireForm } from './forms.js';
import { needsRelease } from './release.js';
import { RunOnce } from './run-once.js';
import { sharedPackage } from './shared-unit.js';

/** An image in a file of the host, as `podman save` or `docker save` writes it: no registry is asked. */
export interface ImageArchive {
  /** Absolute path on the host. */
  readonly archive: string;
  /** The name that the image has in it: `localhost/app:1.4`. */
  readonly name: string;
  /**
   * Its identity, as `podman image inspect --format {{.Id}}` prints it: 64 hexadecimal digits. With it, the archive is loaded again
   * when the name stands for another image, and what is in the archive is held against it. @default - by the name alone
   */
  readonly id?: string;
}

export interface ContainerPort extends Pick<ListenProps, 'from' | 'check' | 'protocol' | 'timeout'> {
  /** Port inside of the container. */
  readonly container: number;
  /** Port of the host. @default - the same */
  readonly host?: number;
}

export interface ContainerVolume {
  /** Absolute path on the host, or a construct that stands for it; a file or link restarts the container when it changes. */
  readonly source: PathLike;
  /** Absolute path inside of the container. */
  readonly path: string;
  /** @default false */
  readonly readOnly?: boolean;
}

export interface ContainerProps {
  /** Name of the container, and of its unit `<name>.service`. @default - the construct's id */
  readonly name?: string;
  /** An image with its registry and tag or digest: `docker.io/library/redis:7`; or one in a file of the host. */
  readonly image: string | ImageArchive;
  /** Arguments of the image's entry point. @default - those of the image */
  readonly command?: readonly string[];
  /** @default {} */
  readonly environment?: Readonly<Record<string, string>>;
  /** Environment whose values are secrets, which stand in a file that root alone reads. @default {} */
  readonly secrets?: Readonly<Record<string, SecretRef>>;
  /** Who reaches which port; `FirewallRules` of the host hold for containers as well. @default [] */
  readonly ports?: readonly ContainerPort[];
  /** @default [] */
  readonly volumes?: readonly ContainerVolume[];
  /** User inside of the container, by name or number. @default - the image's */
  readonly user?: string;
  /** Units that run before. @default [] */
  readonly after?: readonly (string | { readonly unitName: string })[];
}

const NAMES: Names<ContainerProps> = {
  name: true,
  image: true,
  command: true,
  environment: true,
  secrets: true,
  ports: true,
  volumes: true,
  user: true,
  after: true,
};
const PORT: Names<ContainerPort> = {
  container: true,
  host: true,
  from: true,
  check: true,
  protocol: true,
  timeout: true,
};
const VOLUME: Names<ContainerVolume> = { source: true, path: true, readOnly: true };
const IMAGE: Names<ImageArchive> = { archive: true, name: true, id: true };

/**
 * A container that systemd runs: a quadlet of podman (`/etc/containers/systemd/<name>.container`), of which podman itself makes
 * `<name>.service` and reads it before anything is replaced. What it prints is in the journal of that unit. Debian 13 has podman 5;
 * that of Debian 12 (4.3) has no quadlets, and is refused.
 *
 *     new Container(host, 'shop', {
 *       image: { archive: '/srv/images/shop-1.4.tar', name: 'localhost/shop:1.4' },
 *       environment: { LOG_LEVEL: 'info' },
 *       secrets: { DB_PASSWORD: secret('shop_db') },
 *       ports: [{ container: 8080, from: 'loopback', check: { http: '/health' } }],
 *       volumes: [{ source: '/srv/shop', path: '/data' }],
 *     });
 *
 * An image of an archive is loaded once (`leaves` of {@link RunOnce}: it stays in podman's store); one of a registry is fetched when
 * the container first starts.
 */
export class Container extends Construct {
  readonly unit: PackageUnit;

  constructor(scope: Construct, id: string, props: ContainerProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, image, ports = [], volumes = [] } = props;
    const { name: imageName, archive } =
      typeof image === 'string' ? { name: image, archive: undefined } : image;
    needsRelease(this, 13, 'its podman is 4.3, which has no quadlets');
    this.checkForms(props, name, imageName);
    sharedPackage(Host.of(this), 'podman');
    const load = archive === undefined ? undefined : this.load(name, image as ImageArchive);
    const variables = environmentLines(props);
    const environment =
      variables.length === 0
        ? undefined
        : new HostFile(this, 'environment', {
            path: `/etc/containers/citadel/${name}.env`,
            lines: variables,
            mode: '0600',
          });
    const after = [
      'network-online.target',
      ...(props.after ?? []).map((unit) => (typeof unit === 'string' ? unit : unit.unitName)),
    ];
    const file = new HostFile(this, 'file', {
      path: `/etc/containers/systemd/${name}.container`,
      content: () =>
        renderUnitFile({
          Unit: {
            Description: `Container ${name}`,
            Wants: 'network-online.target',
            After: after,
            ...(load === undefined
              ? {}
              : {
                  Requires: load.unit.unitName,
                  'X-Image': `${imageName} ${(image as ImageArchive).id ?? ''}`.trim(),
                }),
          },
          Container: {
            ContainerName: name,
            Image: imageName,
            Pull: archive === undefined ? 'missing' : 'never',
            ...(props.command === undefined ? {} : { Exec: execWords(props.command) }),
            ...(environment === undefined ? {} : { EnvironmentFile: environment.path }),
            PublishPort: ports.map(publish),
            Volume: volumes.map(
              ({ source, path, readOnly }) => `${pathOf(source)}:${path}${readOnly === true ? ':ro' : ''}`,
            ),
            ...(props.user === undefined ? {} : { User: props.user }),
            NoNewPrivileges: true,
          },
          Service: { Restart: 'always', RestartSec: 5, TimeoutStartSec: 900 },
          Install: { WantedBy: 'multi-user.target' },
        }),
      validate: { command: ['/bin/sh', '-c', QUADLET, 'quadlet', `${name}.service`] },
    });
    this.unit = new PackageUnit(this, 'unit', {
      name: `${name}.service`,
      // Podman's generator starts it at boot, by the file's [Install].
      enabled: null,
      restartOn: [
        file,
        ...(environment === undefined ? [] : [environment]),
        // What is in a directory is the container's own.
        ...volumes.flatMap(({ source }) =>
          source instanceof HostFile || source instanceof Symlink ? [source] : [],
        ),
      ],
      wave: 2,
    });
    for (const { container, host: number = container, ...rest } of ports) {
      this.unit.listen(number, { ...rest, forwarded: rest.from !== 'loopback' });
    }
  }

  private load(name: string, { archive, name: imageName, id }: ImageArchive): RunOnce {
    const inspect = ['podman', 'image', 'inspect', '--format', '{{.Id}}', '--', imageName];
    return new RunOnce(this, `load-${name}`, {
      command: ['podman', 'load', '--quiet', '--input', archive],
      unless:
        id === undefined
          ? ['podman', 'image', 'exists', imageName]
          : ['/bin/sh', '-c', 'i=$1; shift; test "$("$@")" = "$i"', 'image', id, ...inspect],
      leaves: `the image ${imageName} in podman's store`,
      timeout: Duration.minutes(15),
    });
  }

  private checkForms(props: ContainerProps, name: string, imageName: string): void {
    const { image, ports = [], volumes = [], environment = {}, secrets = {} } = props;
    requireForm(
      this,
      'name',
      name,
      /^[A-Za-z0-9][A-Za-z0-9_.-]*$/,
      'a name of a container',
      'Use letters, digits, "_", "." and "-"',
    );
    if (typeof image === 'string') {
      requireForm(
        this,
        'image',
        imageName,
        FULL_IMAGE,
        'an image with its registry and a tag or digest',
        'Write it as docker.io/library/redis:7',
      );
    } else {
      addRule(this, () => unknownProps(image, IMAGE, 'image'));
      requireForm(
        this,
        'image.name',
        imageName,
        FULL_IMAGE,
        'an image with its registry and a tag',
        'Write it as "podman save" was told: localhost/app:1.4',
      );
      requireForm(
        this,
        'image.archive',
        image.archive,
        ABSOLUTE,
        'an absolute path',
        'Give the path on the host',
      );
      requireForm(
        this,
        'image.id',
        image.id,
        /^[0-9a-f]{64}$/,
        'the identity of an image',
        'Give what "podman image inspect --format {{.Id}}" prints',
      );
    }
    ports.forEach((port, index) => addRule(this, () => unknownProps(port, PORT, `ports[${index}]`)));
    volumes.forEach((volume, index) => {
      addRule(this, () => unknownProps(volume, VOLUME, `volumes[${index}]`));
      requireForm(
        this,
        `volumes[${index}].source`,
        pathOf(volume.source),
        ABSOLUTE,
        'an absolute path without blanks and ":"',
        'Give the path on the host',
      );
      requireForm(
        this,
        `volumes[${index}].path`,
        volume.path,
        ABSOLUTE,
        'an absolute path without blanks and ":"',
        'Give the path in the container',
      );
    });
    requireForm(
      this,
      'user',
      props.user,
      /^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/,
      'a user',
      'Give a name or a number',
    );
    for (const key of [...Object.keys(environment), ...Object.keys(secrets)]) {
      requireForm(
        this,
        'environment',
        key,
        /^[A-Za-z_][A-Za-z0-9_]*$/,
        'the name of a variable',
        'Use letters, digits and "_"',
      );
    }
    for (const [key, value] of Object.entries(environment)) {
      // Releases of podman read quotes at the start of a value differently.
      requireForm(
        this,
        `environment.${key}`,
        value,
        /^(?!["'])\P{Cc}*$/u,
        'a value of one line that begins with no quote',
        'Put it into a file, and name that in volumes',
      );
    }
    addRule(this, () =>
      Object.keys(secrets)
        .filter((key) => Object.hasOwn(environment, key))
        .map((key) => ({
          code: 'construct.container.twice',
          property: `secrets.${key}`,
          got: 'environment has it as well',
          fix: 'Give it once',
        })),
    );
  }
}

const FULL_IMAGE =
  /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d{1,5})?(?:\/[a-z0-9._-]+)+(?::[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$/;
const ABSOLUTE = /^\/[^\s:"'\\%]*$/;

/** Constant; its argument is the unit that podman is to make of the file. */
const QUADLET = [
  'q=/usr/libexec/podman/quadlet',
  '[ -x "$q" ] || { echo "podman of this host is older than 4.4 and has no quadlets; Debian 13 has 5.4"; exit 1; }',
  'out=$("$q" -dryrun 2>&1) || { printf "%s\\n" "$out" | grep -v "^quadlet-generator.*: Loading" | tail -n 20; exit 1; }',
  'printf "%s\\n" "$out" | grep -qxF -e "---$1---" || { echo "podman makes no $1 of it"; exit 1; }',
].join('; ');

function environmentLines({ environment = {}, secrets = {} }: ContainerProps): string[] {
  return [
    ...Object.entries(environment),
    ...Object.entries(secrets).map(([key, value]): [string, string] => [key, value.toString()]),
  ]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
}

/** Podman splits it as systemd does, and hands it on to systemd, which reads `$` and `%`. */
function execWords(command: readonly string[]) {
  return words(command.map((word) => word.replaceAll('$', '$$$$')));
}

function publish({ container, host = container, from, protocol = 'tcp' }: ContainerPort): string {
  const address = from === 'loopback' ? '127.0.0.1:' : '';
  return `${address}${String(host)}:${String(container)}${protocol === 'udp' ? '/udp' : ''}`;
}
