import { dirname } from 'node:path/posix';
import { validateManifest, type HostManifest } from '../../lib/manifest/index.js';
import { exec, renderCronFile, renderUnitFile, shellWord } from '../../lib/render/index.js';
import { CONTENTS, HOSTILE, slug } from './hostile-values.js';

const root = { owner: 'root', group: 'root' } as const;

export const TOP = '/srv/hostile';
/** Where a test puts a file that belongs to others, with lines in it that are not even UTF-8. */
export const SHARED = `${TOP}-shared/it's $(touch pwned) %n/-shared \\n file`;
export const FOREIGN = Buffer.concat([
  Buffer.from(`# theirs: ' " $(touch pwned) \`x\` \\ %n\n`),
  Buffer.from([0xff, 0xfe, 0x80, 0x0a]),
  Buffer.from('crlf\r\nno end'),
]);
/** `dump OUT ARG…` writes its arguments, each ended by NUL, into OUT. */
export const DUMP = `${TOP}/bin/dump args`;
/** Not where a host's fingerprint looks: cron writes here whenever a minute begins. */
export const ARGUMENTS_OUT = '/var/lib/hostile-out';

/** Block texts by name. */
export const BLOCKS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(HOSTILE.map((text, index) => [`b/${slug(index)}`, `${text}\n`])),
  'no end': 'a line without an end',
  crlf: 'a\r\nb\r\n',
  empty: '',
  'control.characters': '\u0001\u001b[31m\t\u007f\n',
};

/** Everything of a manifest that is only paths and contents: what an offline root can hold as well. */
export function hostilePaths(): Pick<HostManifest, 'directories' | 'files' | 'symlinks' | 'blocks'> {
  const directories: NonNullable<HostManifest['directories']> = {};
  const files: NonNullable<HostManifest['files']> = {};
  const symlinks: NonNullable<HostManifest['symlinks']> = {};
  // Folders that no one declared stay when what is in them goes: these are declared.
  for (const folder of [
    '',
    '/dirs',
    '/names',
    '/links',
    '/targets',
    '/contents',
    '/bin',
    `/${'d'.repeat(240)}`,
  ])
    directories[`${TOP}${folder}`] = { ...root, mode: '0755' };
  HOSTILE.forEach((text, index) => {
    directories[`${TOP}/dirs/${text}`] = { ...root, mode: '0750' };
    files[`${TOP}/dirs/${text}/${text}`] = { content: `${text}\n${text}`, ...root, mode: '0640' };
    files[`${TOP}/names/${text}`] = { content: `${text}\n`, ...root, mode: '0644' };
    symlinks[`${TOP}/links/${text}`] = { target: `${text}/${text}` };
    symlinks[`${TOP}/targets/${slug(index)}`] = { target: `../${text}/./x//${text}` };
  });
  for (const [name, content] of Object.entries(CONTENTS))
    files[`${TOP}/contents/${name}`] = { content, ...root, mode: '0600' };
  files[`${TOP}/${'d'.repeat(240)}/${'é'.repeat(120)}`] = { content: 'long names\n', ...root, mode: '0644' };
  return { directories, files, symlinks, blocks: { [SHARED]: { ...BLOCKS } } };
}

/** Where each item was declared, in words that a terminal or a shell could take for more. */
export function hostileOrigins(sections: Partial<HostManifest>): Record<string, string> {
  const origins: Record<string, string> = {};
  let index = 0;
  for (const [section, items] of Object.entries(sections)) {
    if (typeof items !== 'object') continue;
    for (const key of Object.keys(items)) {
      origins[`${section}/${key}`] = `ai-node/${HOSTILE[index++ % HOSTILE.length] ?? ''}/\u001b[31m`;
    }
  }
  return origins;
}

const unit = { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 } as const;

/** Names that systemd allows and a shell or a path reader could stumble over. */
export const UNITS: readonly string[] = [
  String.raw`hostile-it\x27s\x20\x24\x28x\x29.service`,
  '-hostile:dash_.service',
  String.raw`hostile@a\x2fb-c.service`,
];

export const MOUNT = `${TOP}-mnt/a b: c`;
/** Options that begin with x- are no one's but the reader's own. */
export const MOUNT_OPTIONS: readonly string[] = ['size=1m', "x-it's$(touch${IFS}pwned)`id`%n%{x}"];

/** As many as fit into the longest line that cron reads. */
export const CRON: readonly string[] = HOSTILE.slice(0, 28);

function shellWords(argv: readonly string[]): string {
  return argv.map(shellWord).join(' ');
}

export const USERS: readonly string[] = HOSTILE.filter((text) => !text.includes(':')).slice(0, 16);

/** One host with hostile values in every place that takes free text. */
export function hostileHost(): HostManifest {
  const paths = hostilePaths();
  const files = { ...paths.files };
  files[DUMP] = {
    content: '#!/bin/sh\nout=$1\nshift\nprintf "%s\\0" "$@" >"$out"\n',
    ...root,
    mode: '0755',
  };
  for (const name of UNITS) {
    const template = name.includes('@') ? 'hostile@.service' : name;
    files[`/etc/systemd/system/${template}`] = {
      content: renderUnitFile({
        Unit: { Description: "it's $(touch pwned) %n \\ é" },
        Service: {
          ExecStartPre: exec([DUMP, `${ARGUMENTS_OUT}/unit`, ...HOSTILE]),
          ExecStart: exec(['/usr/bin/sleep', 'infinity']),
        },
        Install: { WantedBy: 'multi-user.target' },
      }),
      ...root,
      mode: '0644',
      validate: 'systemd-unit',
    };
  }
  files['/etc/cron.d/hostile'] = {
    content: renderCronFile({
      jobs: [
        {
          schedule: '* * * * *',
          user: 'root',
          command: shellWords([DUMP, `${ARGUMENTS_OUT}/cron`, ...CRON]),
        },
      ],
    }),
    ...root,
    mode: '0644',
    validate: 'cron',
  };
  const sections = {
    ...paths,
    files,
    groups: { constructor: { system: true } },
    users: Object.fromEntries(
      USERS.map((text, index) => [
        `hostile-${slug(index)}`,
        {
          home: `${TOP}-homes/${text}`,
          shell: index % 2 === 0 ? '/bin/bash' : `${TOP}/bin/${text}`,
          group: 'constructor',
          groups: [],
          system: false,
          authorizedKeys: [
            `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH3YZ3cJcbo7Vn8JYvRk3AiEbgXxqTQW1WwNJb1WCkXQ ${text}`,
          ],
        },
      ]),
    ),
    directories: {
      ...paths.directories,
      [ARGUMENTS_OUT]: { ...root, mode: '0755' },
      [dirname(MOUNT)]: { ...root, mode: '0755' },
    },
    blocks: {
      ...paths.blocks,
      '/etc/fstab': {
        [MOUNT]: `tmpfs ${MOUNT.replaceAll(' ', '\\040')} tmpfs ${MOUNT_OPTIONS.join(',')} 0 0\n`,
      },
    },
    mounts: {
      [MOUNT]: { source: 'tmpfs', type: 'tmpfs', options: [...MOUNT_OPTIONS], state: 'mounted' as const },
    },
    units: Object.fromEntries(UNITS.map((name) => [name, { ...unit, restartOn: [], reloadOn: [] }])),
    checks: {
      arguments: {
        kind: 'command',
        command: [DUMP, `${ARGUMENTS_OUT}/$(x) 'args"`, ...HOSTILE],
        timeoutSec: 20,
        wave: 0,
      },
      constructor: {
        kind: 'command',
        command: ['/usr/bin/test', '-n', '$(touch pwned)'],
        timeoutSec: 5,
        wave: 1,
      },
    },
  };
  return validateManifest({
    version: 1,
    host: 'ai-node',
    ...sections,
    origins: hostileOrigins(sections as Partial<HostManifest>),
  });
}
