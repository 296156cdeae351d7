import type { GenerationRecord } from '../../engine/model.js';
import { visible, type Style } from './style.js';
import { table } from './table.js';

/** The generations of a host, newest first; the current one has a star. */
export function historyText(host: string, records: readonly GenerationRecord[], style: Style): string {
  if (records.length === 0) return `${style.bold(host)}: no generation yet; nothing was ever applied.\n`;
  const rows = [...records]
    .sort((a, b) => b.generation - a.generation)
    .map((record) => [
      `${record.current ? '*' : ' '} ${record.generation}${record.pinned ? ' pinned' : ''}`,
      visible(record.time),
      visible(record.digest.slice(0, 12)),
      visible(record.who),
      visible(record.summary),
    ]);
  return `${style.bold(host)}\n${table(['  generation', 'time', 'digest', 'who', 'changes'], rows, style)}`;
}

export function historyJson(
  host: string,
  records: readonly GenerationRecord[],
): { host: string; generations: object[] } {
  return {
    host,
    generations: records.map(({ generation, digest, time, who, current, pinned, summary }) => ({
      generation,
      digest,
      time,
      who,
      current,
      pinned,
      summary,
    })),
  };
}
