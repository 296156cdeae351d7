/** Manual pages, documentation and translations: half of the files, of no use here. */
export const UNWANTED = ['/usr/share/man/*', '/usr/share/locale/*', '/usr/share/doc/*'];

/** Environment of {@link bootstrapCommand}, but for what its hook reads. */
export const BOOTSTRAP_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
};

/** The command that makes a Debian tree in `folder`. @param hook a shell script that gets the tree's path */
export function bootstrapCommand(
  suite: string,
  folder: string,
  packages: readonly string[],
  hook: string,
): string[] {
  const mirror = process.env['CITADEL_LAB_MIRROR'];
  return [
    'mmdebstrap',
    '--quiet',
    '--mode=root',
    '--format=directory',
    '--variant=minbase',
    '--skip=essential/unlink,cleanup/apt/lists',
    `--include=${packages.join(',')}`,
    ...UNWANTED.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--customize-hook=sh ${hook} "$1"`,
    suite,
    folder,
    ...(mirror === undefined ? [] : [mirror]),
  ];
}
