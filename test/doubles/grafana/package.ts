import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** What a real package of Grafana brings that configuration depends on: account, unit, folders. The program is a double. */
const FILES: Readonly<Record<string, string>> = {
  'DEBIAN/control': `Package: grafana
Version: 0.0.0+lab.double
Architecture: all
Maintainer: Citadel IaC lab <lab@example.invalid>
Depends: passwd, python3, python3-yaml
Description: double of Grafana for lab hosts
 It stands in for Grafana's HTTP API and checks what is provisioned.
`,
  'DEBIAN/conffiles': '/etc/grafana/grafana.ini\n',
  'DEBIAN/postinst': `#!/bin/sh
set -e
getent group grafana >/dev/null || groupadd --system grafana
getent passwd grafana >/dev/null || useradd --system --gid grafana --home-dir /usr/share/grafana --shell /usr/sbin/nologin grafana
install -d -o root -g grafana -m 0755 /etc/grafana /etc/grafana/provisioning /etc/grafana/provisioning/datasources /etc/grafana/provisioning/dashboards
[ ! -d /run/systemd/system ] || systemctl daemon-reload
`,
  'etc/grafana/grafana.ini': '# double: the defaults of the package\n',
  'lib/systemd/system/grafana-server.service': `# double
[Unit]
Description=Grafana (lab double)
After=network-online.target
Wants=network-online.target

[Service]
User=grafana
Group=grafana
ExecStart=/usr/sbin/grafana-server --config=/etc/grafana/grafana.ini --data=/var/lib/grafana
StateDirectory=grafana
Restart=on-failure

[Install]
WantedBy=multi-user.target
`,
};
const EXECUTABLE = ['DEBIAN/postinst', 'usr/sbin/grafana-server'];

/**
 * Builds the Debian package of the Grafana double.
 *
 * @param doubles the folder `test/doubles`
 * @param target where the `.deb` goes
 */
export async function buildGrafanaPackage(doubles: string, target: string): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), 'citadel-grafana-'));
  try {
    for (const [path, text] of Object.entries(FILES)) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), text);
    }
    await mkdir(join(tree, 'usr/sbin'), { recursive: true });
    await copyFile(join(doubles, 'grafana/grafana-server'), join(tree, 'usr/sbin/grafana-server'));
    await chmod(tree, 0o755);
    for (const path of EXECUTABLE) await chmod(join(tree, path), 0o755);
    await mkdir(dirname(target), { recursive: true });
    await promisify(execFile)('dpkg-deb', ['--root-owner-group', '--build', '-Zxz', tree, target]);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
