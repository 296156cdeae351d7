import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNIT_SEPARATOR } from '../../../lib/engine/apply/records.js';
import { TRANSACTION } from '../../../lib/engine/apply/programs.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { OfflineRoot } from '../support/offline-root.js';

const DOCUMENT: HostManifest = {
  version: 1,
  host: 'box',
  files: { '/etc/a': { content: 'a\n', owner: 'root', group: 'root', mode: '0644' } },
};
const LINE = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n';
let root: OfflineRoot;
beforeAll(async () => {
  root = new OfflineRoot();
  expect((await root.runDirectly(await root.plan({ ...DOCUMENT, files: {} }))).outcome).toBe('committed');
});
afterAll(() => root.remove());

describe('a tool of the host that behaves otherwise is a refusal with its name, version and where it is', () => {
  it.each([
    // As that of rust-coreutils 0.0.30 does.
    [
      'mv',
      'for last; do :; done; case "$*" in *T*) if [ -L "$last" ] && [ -d "$last" ]; then echo "mv: cannot overwrite directory" >&2; exit 1; fi ;; esac',
    ],
    ['ln', 'case $1 in -sfn) shift; set -- -sf "$@" ;; esac'],
    ['stat', 'echo "stat: unknown" >&2; exit 1'],
    ['tar', 'case "$*" in *verbatim*) exit 64 ;; esac'],
  ])('%s', async (tool, script) => {
    const stub = root.at(`/stubs/${tool}/${tool}`);
    root.write(
      `/stubs/${tool}/${tool}`,
      `#!/bin/sh\n[ "$1" != --version ] || { echo "${tool} (tools of another) 0.0.30"; exit 0; }\n${script}\nexec /usr/bin/${tool} "$@"\n`,
    );
    root.shell(`chmod +x stubs/${tool}/${tool}`);
    expect(TRANSACTION.script).toContain(LINE);
    const run = await root.runDirectly(
      await root.plan(DOCUMENT),
      TRANSACTION.script.replace(LINE, `PATH='${root.at(`/stubs/${tool}`)}:/usr/sbin:/usr/bin:/sbin:/bin'\n`),
    );
    const failure = run.progress.split('\n').find((line) => line.startsWith('failure'));
    const words = Buffer.from(failure?.split(UNIT_SEPARATOR)[3] ?? '', 'base64').toString('utf8');
    expect(words).toContain(`${tool} of this host (${stub}, ${tool} (tools of another) 0.0.30) does not do`);
    expect(run.outcome).toBe('refused');
    expect(root.generation).toBe(1);
    root.shell('! test -e etc/a');
  });
});
