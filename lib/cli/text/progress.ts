import type { ProgressLine } from '../engine-port.js';
import { visible } from './style.js';

/** What a host says while it works, as one line for a person; `undefined` for what only a program needs to know. */
export function progressText(line: ProgressLine): string | undefined {
  switch (line.kind) {
    case 'step':
      return visible(line.detail === '' ? line.step : `${line.step} ${line.detail}`);
    case 'note':
      return visible(line.text);
    case 'failure':
      return visible(`failed: ${line.step}${line.item === '' ? '' : ` ${line.item}`}`);
    case 'confirm':
      return `connecting again; without it the host undoes the change at ${visible(line.at)} (in ${line.seconds} s)`;
    case 'locked':
      return visible(`locked by ${line.who} since ${line.since}`);
    case 'unstaged':
      return 'the host could not take the transaction';
    case 'gone':
    case 'end':
      return undefined;
  }
}
