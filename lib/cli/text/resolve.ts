import { leftText } from '../../engine/left-item.js';
import type { LeftPlace, OpenTransaction } from '../../engine/model.js';
import { visible, type Style } from './style.js';

const TYPES: Readonly<Record<string, string>> = { f: 'file', d: 'directory', l: 'symbolic link' };
const WHOSE: Readonly<Record<NonNullable<LeftPlace['whose']>, string>> = {
  before: 'as it was before',
  transaction: 'as that transaction put it',
  other: 'neither as before nor as that transaction put it',
  absent: 'nothing',
};

/** What an undo left, path by path, what stands there now, and what can be done. Ends with a newline. */
export function resolveText(
  host: string,
  open: OpenTransaction | null,
  left: readonly LeftPlace[],
  style: Style,
): string {
  if (open === null)
    return `${style.bold(host)}: ${style.green('nothing to resolve')}. No transaction is open.\n`;
  const of = `a transaction of ${open.who} from ${open.since} (${open.id})`;
  const tried = left.length > 0;
  const heading = tried ? `could not undo ${of}` : `${of} was interrupted (${open.state})`;
  return [
    `${style.bold(host)}: ${style.red(visible(heading))}`,
    ...left.flatMap((place) => placeLines(place, style)),
    '',
    `  citadel-iac resolve ${host} --retry   ${tried ? 'once the cause is gone: undoes what is left, and nothing else' : 'brings the host to a whole generation, as a reboot does'}`,
    ...(tried || open.state === 'undoing'
      ? [
          `  citadel-iac resolve ${host} --accept  goes on with what is there now; the copies of before are kept on the host`,
        ]
      : []),
    '',
  ].join('\n');
}

function placeLines(place: LeftPlace, style: Style): string[] {
  return [
    `  ${style.red('✗')} ${visible(leftText(place))}`,
    ...(place.whose === undefined ? [] : [`      now:    ${visible(nowText(place))}`]),
    ...(place.kept === undefined ? [] : [`      before: ${visible(place.kept)}`]),
  ];
}

function nowText({ now, whose }: LeftPlace): string {
  const words = whose === undefined ? '' : WHOSE[whose];
  if (now === undefined) return words;
  const [type = '', mode = '', owner = '', group = '', size = ''] = now.split(' ');
  const bytes = type === 'f' ? `, ${size} bytes` : '';
  return `${TYPES[type] ?? 'special file'} ${mode.padStart(4, '0')} ${owner}:${group}${bytes}, ${words}`;
}
