import { before, failing } from '../engine/support/faults.js';
import { WAIT_THERE } from './transaction-scenario.js';

/** A point of the transaction at which it stops and says so, and what has become of the host when it dies there. */
export interface Point {
  readonly name: string;
  readonly fault: string;
  /** `before`: the host is at N-1 in the end. `after`: at N. */
  readonly leadsTo: 'before' | 'after';
}

const at = (name: string, point: string, nth = 1): Point => ({
  name,
  fault: before(point, WAIT_THERE, nth),
  leadsTo: 'before',
});
const inUndo = (name: string, point: string, nth = 1): Point => ({
  name: `undo: ${name}`,
  fault: `${failing('run_checks', 2)}\n${before(point, WAIT_THERE, nth)}`,
  leadsTo: 'before',
});

/** In the order in which a transaction comes to them. */
export const POINTS: readonly Point[] = [
  at('the comparison', 'compare'),
  at('the validators', 'validate'),
  at('keeping what will be replaced', 'note_existing', 4),
  at('arming the recovery', 'arm_recovery'),
  at('new groups', 'add_groups'),
  at('owners of what is staged', 'own_staged'),
  at('sharing what generations keep', 'share_with_current'),
  at('stopping what leaves', 'stop_leaving'),
  at('the first path', 'put_path', 1),
  at('the third batch of paths', 'flush_batch', 3),
  at('a path in the middle', 'put_path', 6),
  at('enablement', 'enable_units'),
  at('the daemon-reload', 'reload_manager'),
  at('mounts', 'mount_all'),
  at('the switch being over', 'state:switched'),
  at('the first wave', 'run_wave', 1),
  at('the second wave', 'run_wave', 2),
  at('groups that leave', 'remove_accounts'),
  { ...at('recording the generation', 'commit'), leadsTo: 'after' },
  { ...at('moving "current"', 'point_current'), leadsTo: 'after' },
  { ...at('compressing older documents', 'compress_documents'), leadsTo: 'after' },
  { ...at('closing', 'close_transaction'), leadsTo: 'after' },
  inUndo('its beginning', 'undo'),
  inUndo('the fourth path', 'restore_one', 4),
  inUndo('links of enablement', 'undo_links'),
  inUndo('units', 'undo_units'),
  inUndo('its last state', 'state:undone'),
];
