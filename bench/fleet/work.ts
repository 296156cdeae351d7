import { validateManifest, type HostManifest } from '../../lib/manifest/index.js';

const FILES = 20;
const UNIT = '/etc/systemd/system/bench-fleet.service';
const OWNED = { owner: 'root', group: 'root', mode: '0644' } as const;

/** Text of each file: the same work for every tool. `edition` is the one line that changes. */
export function texts(edition: number): Readonly<Record<string, string>> {
  const files: Record<string, string> = {
    [UNIT]:
      '[Unit]\nDescription=Work of a benchmark\n[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n',
  };
  for (let n = 0; n < FILES; n += 1) {
    const lines = Array.from(
      { length: 60 },
      (_, line) => `setting-${String(line)} = ${String((n + 1) * (line + 7))}`,
    );
    files[`/srv/bench/${String(n).padStart(2, '0')}.conf`] =
      `${lines.join('\n')}\nedition = ${n === 0 ? String(edition) : '0'}\n`;
  }
  return files;
}

/** Twenty files in a folder, and a service: as a manifest. */
export function manifestOf(host: string, edition: number): HostManifest {
  return validateManifest({
    version: 1,
    host,
    directories: { '/srv/bench': { owner: 'root', group: 'root', mode: '0755' } },
    files: Object.fromEntries(
      Object.entries(texts(edition)).map(([path, content]) => [path, { content, ...OWNED }]),
    ),
    units: {
      'bench-fleet.service': { enabled: true, state: 'running', restartOn: [UNIT], reloadOn: [], wave: 0 },
    },
  });
}

/** The same for Ansible, which reads JSON where it reads YAML: one task for each kind of thing, loops over things. */
export function playbook(edition: number): string {
  return JSON.stringify([
    {
      hosts: 'all',
      gather_facts: false,
      tasks: [
        { file: { path: '/srv/bench', state: 'directory', mode: '0755' } },
        {
          copy: { dest: '{{ item.0 }}', content: '{{ item.1 }}', owner: 'root', group: 'root', mode: '0644' },
          loop: Object.entries(texts(edition)),
          loop_control: { label: '{{ item.0 }}' },
          register: 'written',
        },
        { systemd: { daemon_reload: true }, when: 'written is changed' },
        { systemd: { name: 'bench-fleet', enabled: true, state: 'started' } },
      ],
    },
  ]);
}

/** The same for pyinfra. */
export function deployment(edition: number): string {
  return `import io
import json

from pyinfra.operations import files, systemd

TEXTS = json.loads(${JSON.stringify(JSON.stringify(texts(edition)))})
files.directory(path="/srv/bench", mode="755", user="root", group="root", _sudo=True)
for path, text in TEXTS.items():
    files.put(src=io.StringIO(text), dest=path, mode="644", user="root", group="root", _sudo=True)
systemd.service(service="bench-fleet", running=True, enabled=True, _sudo=True)
`;
}
