import type { LeftItem } from './model.js';

/** `/etc/resolv.conf: Operation not permitted`, `mount /data: target is busy.` */
export function leftText({ kind, item, reason }: LeftItem): string {
  return `${kind === 'path' ? item : `${kind} ${item}`.trim()}: ${reason}`;
}
