/**
 * What a directory must have before the example can be applied to it: accounts and units that packages would have brought to a
 * real root, because an offline root has no package manager.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PACKAGE_UNITS = [
  'grafana-server',
  'nftables',
  'prometheus',
  'prometheus-alertmanager',
  'prometheus-blackbox-exporter',
  'prometheus-node-exporter',
];
const PASSWD = [
  'root:x:0:0:root:/root:/bin/bash',
  'grafana:x:150:150::/:/bin/false',
  'prometheus:x:151:151::/:/bin/false',
];
const GROUP = [
  'root:x:0:',
  'adm:x:4:',
  'sudo:x:27:',
  'video:x:44:',
  'systemd-journal:x:101:',
  'grafana:x:150:',
  'prometheus:x:151:',
];

const standIn = (name) =>
  `[Unit]\nDescription=Stand-in for the package's ${name}\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`;

/** @param {string} root directory; made when it is not there */
export function makeOfflineRoot(root) {
  const files = {
    'etc/passwd': `${PASSWD.join('\n')}\n`,
    'etc/group': `${GROUP.join('\n')}\n`,
    ...Object.fromEntries(
      PACKAGE_UNITS.map((name) => [`usr/lib/systemd/system/${name}.service`, standIn(name)]),
    ),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
