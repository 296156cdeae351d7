import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostManifest, ManifestFile } from '../../lib/manifest/index.js';
import type { Lab } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { hasTool } from '../stacks/tools.js';
import { EngineProcess } from './engine-process.js';
import { expectOutcome, leftovers, settled } from './transaction-scenario.js';

const KEY = '/etc/apt/keyrings/e2e.asc';
const SOURCE = '/etc/apt/sources.list.d/e2e.sources';
/** A repository with one package, unsigned yet; prints its Release file. */
const BUILD = `
  rm -rf /srv/repo /tmp/deb && mkdir -p /srv/repo /tmp/deb/DEBIAN && cd /srv/repo
  printf 'Package: e2e-sourced\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' >/tmp/deb/DEBIAN/control
  dpkg-deb --root-owner-group --build /tmp/deb e2e.deb >/dev/null && rm -rf /tmp/deb
  { dpkg-deb -f e2e.deb; echo "Filename: ./e2e.deb"; echo "Size: $(stat -c %s e2e.deb)"; echo "SHA256: $(sha256sum e2e.deb | cut -d ' ' -f 1)"; } >Packages
  { echo "Origin: e2e"; LC_ALL=C date -u '+Date: %a, %d %b %Y %T UTC'; echo SHA256:; echo " $(sha256sum Packages | cut -d ' ' -f 1) $(stat -c %s Packages) Packages"; } | tee Release`;

const file = (content: string): ManifestFile => ({ content, owner: 'root', group: 'root', mode: '0644' });

/** Signs as a maker of packages does, with a key that no one else has. */
class Maker {
  private readonly home = mkdtempSync(join(tmpdir(), 'citadel-gpg-'));
  readonly key: string;

  constructor() {
    this.gpg(['--quick-gen-key', 'e2e@example.org', 'ed25519', 'sign', 'never']);
    this.key = this.gpg(['--armor', '--export']);
  }

  sign(text: string): string {
    return this.gpg(['--clearsign'], text);
  }

  end(): void {
    execFileSync('gpgconf', ['--homedir', this.home, '--kill', 'all']);
    rmSync(this.home, { recursive: true, force: true });
  }

  private gpg(args: readonly string[], input = ''): string {
    const options = ['--homedir', this.home, '--batch', '--passphrase', '', '--pinentry-mode', 'loopback'];
    return execFileSync('gpg', [...options, ...args], { input, encoding: 'utf8', stdio: 'pipe' });
  }
}

function sources(lab: Lab): void {
  const host = lab.host('dev-ops');
  let engine: EngineProcess;
  let maker: Maker;
  let stranger: Maker;
  const manifest = (key: string, more: Partial<HostManifest> = {}): HostManifest => ({
    version: 1,
    host: 'dev-ops',
    packages: { 'e2e-sourced': {} },
    files: {
      [KEY]: file(key),
      [SOURCE]: file(`Types: deb\nURIs: file:/srv/repo\nSuites: ./\nSigned-By: ${KEY}\n`),
    },
    ...more,
  });
  const state = async (): Promise<string> =>
    (await host.exec(`ls -a ${KEY} ${SOURCE} /etc/apt/sources.list.d; dpkg-query -W e2e-sourced`)).stdout;

  beforeAll(async () => {
    await host.reset();
    [maker, stranger] = [new Maker(), new Maker()];
    await host.writeFile('/srv/InRelease', maker.sign(await host.mustExec(BUILD)));
    await host.mustExec('mv /srv/InRelease /srv/repo/ && rm /srv/repo/Release && chmod -R a+rX /srv/repo');
    engine = new EngineProcess(lab);
  }, 300_000);
  afterAll(async () => {
    await engine.end();
    maker.end();
    stranger.end();
  });

  it('takes nothing that another key has signed, says so, and leaves no source behind', async () => {
    const before = await state();
    const result = await engine.apply('dev-ops', manifest(stranger.key));
    expectOutcome(result, 'rolled-back');
    expect(JSON.stringify(result)).toContain('NO_PUBKEY');
    await settled(host);
    expect(await state()).toBe(before);
    expect(await leftovers(host)).toBe('');
  });

  it('takes source and package back when a check fails', async () => {
    const before = await state();
    const sick = { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } as const;
    expectOutcome(
      await engine.apply(
        'dev-ops',
        manifest(maker.key, { checks: { sick: { ...sick, command: [...sick.command] } } }),
      ),
      'rolled-back',
    );
    await settled(host);
    expect(await state()).toBe(before);
  });

  it('installs a package from the repository that comes with it, and both go again', async () => {
    expectOutcome(await engine.apply('dev-ops', manifest(maker.key)), 'committed');
    expect(await host.mustExec('dpkg-query -W e2e-sourced')).toContain('1.0');
    expect(await host.mustExec(`stat -c '%U:%G %a' ${KEY} ${SOURCE}`)).toBe('root:root 644\nroot:root 644\n');
    expect((await host.exec('apt-get update')).stderr).toBe('');
    expectOutcome(await engine.apply('dev-ops', { version: 1, host: 'dev-ops' }), 'committed');
    expect(await host.mustExec('ls /etc/apt/sources.list.d')).not.toContain('e2e');
  });
}

describe.skipIf(!hasTool('gpg'))('with gpg (skipped where it is missing)', () => {
  describeLab('a package repository that comes with its package', sources);
});
