import { readFileSync } from 'node:fs';
import type { ReadProgram } from '../../engine/transport.js';
import { CitadelError } from '../../manifest/index.js';
import { asset } from '../../text/assets.js';

/** What `examine.sh` found on a host. */
export interface Examination {
  /** Seconds since 1970 by the host's clock. */
  readonly time: number;
  readonly uid: number;
  /** `Debian GNU/Linux 12 (bookworm)`; empty when the host does not say. */
  readonly system: string;
  /** Tool → whether it is there. */
  readonly tools: ReadonlyMap<string, boolean>;
  /** Absent for an offline root. */
  readonly booted?: boolean;
  /** Major version of systemd; absent where there is none, or for an offline root. */
  readonly systemd?: number;
  /** Free KiB and free inodes (`null` where the file system does not count them), by directory. */
  readonly space: ReadonlyMap<string, { readonly freeKiB: number; readonly freeInodes: number | null }>;
}

/** The program that makes an {@link Examination}; its text is read when it is first needed. */
export const EXAMINE: ReadProgram = {
  name: 'citadel-examine',
  effect: 'read',
  get script(): string {
    return readFileSync(asset('lib/cli/doctor/examine.sh'), 'utf8');
  },
};

/**
 * The output of `examine.sh`.
 *
 * @throws CitadelError `doctor.output` when it is not complete: something on the host printed into it or ended it
 */
export function parseExamination(output: string, host: string): Examination {
  const lines = output.split('\n');
  if (lines[0] !== 'citadel-examine/1' || lines.at(-2) !== 'end' || lines.at(-1) !== '') {
    throw new CitadelError({
      code: 'doctor.output',
      path: host,
      got: `the host answered something else than asked: ${JSON.stringify(output.slice(0, 120))}`,
      fix: 'Let the start-up files of its shell print nothing when there is no terminal.',
    });
  }
  const records = lines.slice(1, -2).map((line) => line.split('\t'));
  const value = (name: string): string | undefined => records.find(([kind]) => kind === name)?.[1];
  const booted = value('booted');
  const systemd = Number.parseInt(value('systemd') ?? '', 10);
  return {
    time: Number(value('time')),
    uid: Number(value('uid')),
    system: value('system') ?? '',
    tools: new Map(
      records.filter(([kind]) => kind === 'tool').map(([, name = '', there]) => [name, there === 'yes']),
    ),
    ...(booted !== undefined && { booted: booted === 'yes' }),
    ...(Number.isNaN(systemd) ? {} : { systemd }),
    space: new Map(
      records
        .filter(([kind]) => kind === 'space')
        .map(([, place = '', kib, inodes = '']) => [
          place,
          { freeKiB: Number(kib), freeInodes: /^[1-9]\d*$/.test(inodes) ? Number(inodes) : null },
        ]),
    ),
  };
}
