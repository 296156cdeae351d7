import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  Container,
  type ContainerProps,
  FirewallRules,
  type Host,
  HostFile,
  secret,
} from '../../../lib/constructs/index.js';
import { tool } from '../../stacks/tools.js';
import { manifestOf, problemsOf } from '../host/support.js';
import { contentOf } from './support.js';

const FILE = '/etc/containers/systemd/shop.container';
/** As Debian 13's podman has it, or where CITADEL_QUADLET says. */
const QUADLET = process.env['CITADEL_QUADLET'] ?? '/usr/libexec/podman/quadlet';
const ID = 'a'.repeat(64);

const shop = (host: Host): Container =>
  new Container(host, 'shop', {
    image: { archive: '/srv/images/shop.tar', name: 'localhost/shop:1.4', id: ID },
    command: ['serve', '--motto', 'a "b" $HOME 100%'],
    environment: { LOG_LEVEL: 'info', MOTTO: '$5 = 100% "x"' },
    secrets: { DB_PASSWORD: secret('shop_db') },
    ports: [
      { container: 8080, host: 80, from: ['192.0.2.0/24'], check: { http: '/health' } },
      { container: 9000, from: 'loopback' },
    ],
    volumes: [
      { source: new HostFile(host, 'conf', { path: '/etc/shop.conf', lines: ['x'] }), path: '/conf', readOnly: true },
      { source: '/srv/shop', path: '/data' },
    ],
  }); // prettier-ignore

/** What quadlet says of a text, as the validator of the file asks it. */
function read(content: string, name = 'shop'): { status: number; output: string } {
  const { validate } = manifestOf(shop).files?.[FILE] ?? {};
  if (typeof validate !== 'object') throw new Error('no validator');
  const folder = mkdtempSync(join(tmpdir(), 'citadel-quadlet-'));
  try {
    writeFileSync(join(folder, `${name}.container`), content);
    const [program = '', ...words] = validate.command.map((word) =>
      word.replace('/usr/libexec/podman/quadlet', QUADLET),
    );
    return tool(program, words, { env: { QUADLET_UNIT_DIRS: folder } });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('Container', () => {
  it('is a quadlet, its environment for root alone, and a unit that restarts with what it reads', () => {
    const manifest = manifestOf(shop);
    expect(manifest.packages).toEqual({ podman: {} });
    expect(manifest.files?.['/etc/containers/citadel/shop.env']).toMatchObject({
      content: 'DB_PASSWORD=@@secret:shop_db@@\nLOG_LEVEL=info\nMOTTO=$5 = 100% "x"\n',
      mode: '0600',
    });
    expect(manifest.units?.['shop.service']).toMatchObject({
      enabled: null,
      state: 'running',
      restartOn: ['/etc/containers/citadel/shop.env', FILE, '/etc/shop.conf'],
    });
    expect(manifest.checks).toMatchObject({
      'shop-80': { kind: 'http', url: 'http://127.0.0.1:80/health' },
      'shop-9000': { kind: 'tcp', port: 9000 },
    });
    const load = contentOf('/etc/systemd/system/citadel-once-load-shop.service', shop);
    expect(load.replaceAll(/ \\\n +/g, ' ')).toContain('podman load --quiet --input /srv/images/shop.tar');
    expect(load).toContain(ID);
  });

  it('comes from a registry when it names one, and is fetched once', () => {
    const manifest = manifestOf((host) => new Container(host, 'x', { image: 'docker.io/library/redis:7' }));
    expect(manifest.files?.['/etc/containers/systemd/x.container']?.content).toContain('Pull=missing\n');
    expect(Object.keys(manifest.units ?? {})).toEqual(['x.service']);
  });

  it('lets in whom the ports say, also past the rewriting of the container engine', () => {
    const text = contentOf('/etc/nftables.conf', (host) => {
      new FirewallRules(host, 'firewall', { ssh: { from: 'any' } });
      shop(host);
    });
    expect(text).toContain('ip saddr 192.0.2.0/24 tcp dport 80 accept comment "shop.service"');
    expect(text).toMatch(
      /chain forwarded \{\n.*hook prerouting[^]*ip saddr 192\.0\.2\.0\/24 tcp dport 80 accept\n\t\tfib daddr type local tcp dport 80 drop\n\t\}\n\}\n$/,
    );
    expect(text).not.toMatch(/dport 9000/);
  });

  it.skipIf(!existsSync(QUADLET))('is read by podman as it is meant', () => {
    expect(read(contentOf(FILE, shop))).toEqual({ status: 0, output: '' });
    const folder = mkdtempSync(join(tmpdir(), 'citadel-quadlet-'));
    writeFileSync(join(folder, 'shop.container'), contentOf(FILE, shop));
    const { output } = tool(QUADLET, ['-dryrun'], { env: { QUADLET_UNIT_DIRS: folder } });
    rmSync(folder, { recursive: true });
    const start = output.split('\n').find((line) => line.startsWith('ExecStart=')) ?? '';
    for (const part of [
      '--name shop', '--pull never', '--publish 80:8080', '--publish 127.0.0.1:9000:9000', '-v /etc/shop.conf:/conf:ro', '-v /srv/shop:/data',
      '--env-file /etc/containers/citadel/shop.env', 'localhost/shop:1.4 serve --motto "a \\"b\\" $$HOME 100%%"',
    ]) expect(start).toContain(part); // prettier-ignore
    expect(output).toContain('Requires=citadel-once-load-shop.service');
    expect(read(contentOf(FILE, shop).replace('Pull=', 'Pulll='))).toEqual({
      status: 1,
      output: expect.stringContaining("unsupported key 'Pulll'") as string,
    });
  });

  it('is refused for Debian 12, whose podman has no quadlets, at synthesis and by the host', () => {
    expect(problemsOf(shop, { os: 'debian-12' })[0]).toContain(
      'the host has Debian 12 (os: debian-12), and its podman is 4.3, which has no quadlets',
    );
    expect(problemsOf(shop, { os: 'debian-13' })).toEqual([]);
    expect(manifestOf(shop, { os: 'debian-13' }).os).toBe('debian-13');
    if (existsSync('/usr/libexec/podman/quadlet') || QUADLET !== '/usr/libexec/podman/quadlet') return;
    expect(read('x')).toEqual({ status: 1, output: expect.stringContaining('older than 4.4') as string });
  });

  it.each<[Partial<ContainerProps> & Record<string, unknown>, string]>([
    [{ image: 'redis' }, 'image: "redis" is not an image with its registry'],
    [
      { image: { archive: 'x.tar', name: 'localhost/x:1' } },
      'image.archive: "x.tar" is not an absolute path',
    ],
    [{ image: { archive: '/x', name: 'localhost/x:1', digest: 'x' } as never }, 'digest'],
    [{ environment: { A: 'x\ny' } }, 'environment.A'],
    [{ environment: { 'A B': 'x' } }, '"A B" is not the name of a variable'],
    [{ environment: { A: 'x' }, secrets: { A: secret('a') } }, 'environment has it as well'],
    [{ volumes: [{ source: '/a:b', path: '/c' }] }, 'volumes[0].source: "/a:b" is not'],
    [{ ports: [{ container: 80, form: 'any' } as never] }, 'Did you mean from?'],
  ])('is refused: %j', (props, text) => {
    const given = { image: 'localhost/x:1', ...props };
    expect(problemsOf((host) => new Container(host, 'x', given)).join('\n')).toContain(text);
  });
});
