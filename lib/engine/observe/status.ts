import type { HostStatus } from '../model.js';
import type { ReadTransport } from '../transport.js';
import { Fields } from './fields.js';
import { REBOOT_FIELDS, rebootFacts } from './reboot.js';
import { runReader, type ReadOptions } from './observe-host.js';
import { STATUS } from './programs.js';

/**
 * What a host knows of its own state, in one read; it compares nothing for it.
 *
 * @param textfiles directory of node exporter's textfiles on the host
 * @throws CitadelError when the host cannot be reached or its record cannot be read
 */
export async function readStatus(
  transport: ReadTransport,
  textfiles: string,
  options: ReadOptions = {},
): Promise<HostStatus> {
  const output = await runReader(transport, STATUS, Buffer.from(`${textfiles}\n`), options);
  const fields = new Fields(output, transport.description);
  fields.expect('citadel-status/1');
  const now = Number(fields.take());
  const [number = '', digest = '', time = '', who = '', commit = ''] = take(fields, 5);
  const [open = '', running = '', since = '', openWho = '', left = ''] = take(fields, 5);
  const drift = samples(fields.take());
  const backups = samples(fields.take());
  const { reasons, boot } = rebootFacts(take(fields, REBOOT_FIELDS));
  fields.expect('end');
  fields.end();
  const ageOf = (at: number): number => Math.max(0, Math.round(now - at));
  const items = drift.get('citadel_config_drift_items')?.[0]?.value;
  const checked = drift.get('citadel_config_drift_last_check_timestamp_seconds')?.[0]?.value;
  const generation = number === '' ? null : Number(number);
  const applied = Date.parse(time) / 1000;
  return {
    generation,
    ...(digest !== '' && { digest }),
    ...(time !== '' && { applied: time }),
    ...(Number.isFinite(applied) && { appliedAgeSec: ageOf(applied) }),
    ...(who !== '' && { who }),
    ...(commit !== '' && { commit }),
    drift:
      items === undefined || checked === undefined
        ? null
        : {
            items,
            ageSec: ageOf(checked),
            generation: drift.get('citadel_config_generation')?.[0]?.value ?? null,
          },
    open:
      open === '' ? null : { id: open, running: running === '1', who: openWho, since, left: Number(left) },
    reboot: reasons,
    ...(boot !== undefined && { boot }),
    backups: backupsOf(backups, now),
  };
}

function take(fields: Fields, count: number): string[] {
  return Array.from({ length: count }, () => fields.take());
}

interface Sample {
  readonly labels: string;
  readonly value: number;
}

/** Samples by metric; a line that is none is left out. */
function samples(text: string): Map<string, Sample[]> {
  const found = new Map<string, Sample[]>();
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value = ''] =
      /^([a-z_]+)(?:\{([^}]*)\})? ([0-9.e+-]+)$/.exec(line) ?? [];
    if (name === '' || !Number.isFinite(Number(value))) continue;
    found.set(name, [...(found.get(name) ?? []), { labels, value: Number(value) }]);
  }
  return found;
}

/** Of each kind of backup, that of the model whose newest is the oldest. */
function backupsOf(found: ReadonlyMap<string, readonly Sample[]>, now: number): HostStatus['backups'] {
  const kindOf = ({ labels }: Sample): string => /(?:^|,)backup="([^"]*)"/.exec(labels)?.[1] ?? '';
  const oldest = new Map<string, number>();
  for (const sample of found.get('citadel_backup_last_success_timestamp_seconds') ?? []) {
    const kind = kindOf(sample);
    oldest.set(kind, Math.min(oldest.get(kind) ?? Infinity, sample.value));
  }
  const limits = (found.get('citadel_backup_max_age_seconds') ?? []).map(
    (sample) => [kindOf(sample), sample.value] as const,
  );
  const most = new Map(limits);
  return Object.fromEntries(
    [...new Set([...oldest.keys(), ...most.keys()])].sort().map((kind) => {
      const at = oldest.get(kind);
      const ageSec = at === undefined ? null : Math.max(0, Math.round(now - at));
      const limit = most.get(kind);
      return [kind, { ageSec, overdue: limit !== undefined && (ageSec === null || ageSec > limit) }];
    }),
  );
}
