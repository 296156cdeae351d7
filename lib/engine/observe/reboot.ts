/** What `remote/reboot.sh` prints: its fields, in order. */
export const REBOOT_FIELDS = 5;

export interface RebootFacts {
  /** Why the host should be started again; empty: it need not. */
  readonly reasons: readonly string[];
  /** Name of this boot; absent in an offline root. */
  readonly boot?: string;
}

export function rebootFacts(fields: readonly string[]): RebootFacts {
  const [asked = '', packages = '', kernel = '', newest = '', boot = ''] = fields;
  return {
    reasons: [
      ...(asked === '1' ? [`asked for by ${packages.trim() === '' ? 'a package' : packages.trim()}`] : []),
      ...(newest !== '' && newest !== kernel ? [`kernel ${newest} is installed, ${kernel} runs`] : []),
    ],
    ...(boot !== '' && { boot }),
  };
}
