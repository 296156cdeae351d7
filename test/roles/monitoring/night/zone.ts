/** Transitions of a zone file count their types in one byte; a week of hours has 168. */
const MOST_TYPES = 255;
/** A Monday, 00:00, as a clock without a zone shows it. */
const MONDAY_SEC = Date.UTC(2026, 10, 2) / 1000;
const HOUR_SEC = 3600;

/**
 * A time zone (RFC 8536, version 1) whose clocks run `factor` times as fast from `start` on, by going forward at every full hour of theirs: at
 * `start` it is Monday 00:00 there. Within an hour they run as others do, so a window may begin and end at full hours only.
 *
 * @param start seconds since 1970
 * @param minutes of that clock
 */
export function fastZone(start: number, factor: number, minutes: number): Buffer {
  const step = HOUR_SEC / factor;
  const hours = Math.ceil(minutes / 60) + 1;
  if (!Number.isInteger(step))
    throw new Error('a zone file tells whole seconds: take a factor that divides 3600');
  if (hours > MOST_TYPES) throw new Error(`at most ${MOST_TYPES} hours fit into a zone file`);
  const name = Buffer.from('FAST\0');
  const counts = [0, 0, 0, hours, hours, name.length];
  const header = Buffer.alloc(44);
  header.write('TZif');
  counts.forEach((count, index) => header.writeUInt32BE(count, 20 + 4 * index));
  const [times, types, offsets] = [Buffer.alloc(4 * hours), Buffer.alloc(hours), Buffer.alloc(6 * hours)];
  for (let hour = 0; hour < hours; hour++) {
    const at = start + hour * step;
    times.writeInt32BE(at, 4 * hour);
    types.writeUInt8(hour, hour);
    offsets.writeInt32BE(MONDAY_SEC + hour * HOUR_SEC - at, 6 * hour);
  }
  return Buffer.concat([header, times, types, offsets, name]);
}
