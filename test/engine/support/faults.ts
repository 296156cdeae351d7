import { TRANSACTION_SCRIPTS } from '../../../lib/engine/apply/programs.js';
import { loadScript } from '../../../lib/engine/remote/programs.js';

/**
 * Texts for the transaction in which something goes wrong at a chosen point: functions defined again before its main part
 * runs. The product's own scripts know nothing of this.
 */
const DISPATCH = '\ncase ${2-} in\n';

/** The transaction's text with other definitions of its functions, put in just before its last lines use them. */
export function withFault(definitions: string): string {
  return TRANSACTION_SCRIPTS.map((name) => {
    const text = loadScript(name);
    if (name !== 'tx-main.sh') return text;
    const cut = text.indexOf(DISPATCH);
    if (cut < 0) throw new Error('the main part does not look as expected');
    return `${text.slice(0, cut)}\n${definitions}\n${text.slice(cut)}`;
  }).join('\n');
}

/** A function of the transaction under another name, `real_NAME`, for a fault that goes on to it. */
export function keepReal(name: string): string {
  const text = TRANSACTION_SCRIPTS.map((file) => loadScript(file)).join('\n');
  const start = text.indexOf(`\n${name}() {`) + 1;
  if (start === 0) throw new Error(`the transaction has no function ${name}`);
  const firstLine = text.slice(start, text.indexOf('\n', start));
  if (/\}\s*$/.test(firstLine)) return `real_${firstLine}`;
  const close = /\n\}[^\n]*/.exec(text.slice(start));
  if (close === null) throw new Error(`${name} has no end`);
  return `real_${text.slice(start, start + close.index + close[0].length)}`;
}

function instead(name: string, test: string, action: string): string {
  return `${keepReal(name)}
fault_${name}=0
${name}() {
  fault_${name}=$((fault_${name} + 1))
  if ${test}; then ${action}; fi
  real_${name} "$@"
}`;
}

const nthCall = (name: string, nth: number, last = nth): string =>
  `[ "$fault_${name}" -ge ${String(nth)} ] && [ "$fault_${name}" -le ${String(last)} ]`;
const FAIL = `echo planted >"$DIR/words"; return 1`;
const KILL = `kill -KILL $$; exit 137`;

/** The calls of a function from the `nth` to the `last` fail, with the error message `planted`. */
export const failing = (name: string, nth = 1, last = nth): string =>
  instead(name, nthCall(name, nth, last), FAIL);
/** The whole process is killed as that call begins. */
export const killing = (name: string, nth = 1): string => instead(name, nthCall(name, nth), KILL);
/** A state cannot be written down. */
export const failingState = (word: string): string => instead('state', `[ "$1" = ${word} ]`, FAIL);
/** The process is killed just before a state is written down. */
export const killingBeforeState = (word: string): string => instead('state', `[ "$1" = ${word} ]`, KILL);
/** The process is killed when a state has been written down and nothing else has happened since. */
export const killingAfterState = (word: string): string => `${keepReal('state')}
state() { real_state "$@" || return 1; if [ "$1" = ${word} ]; then ${KILL}; fi; }`;

/** No path can be put along with others, so that each goes by itself. */
export const oneByOne = 'can_queue() { return 1; }';

/** Any action before the `nth` call of a function, or before a state is written down (`state:NAME`). */
export function before(point: string, action: string, nth = 1): string {
  const state = /^state:(.*)$/.exec(point)?.[1];
  return state === undefined
    ? instead(point, nthCall(point, nth), action)
    : instead('state', `[ "$1" = ${state} ]`, action);
}

const COMMANDS =
  'mv cp ln rm mkdir rmdir chmod chown sync tar touch sort sed tr find xargs cut cat stat date head tail base64 comm cmp diff readlink flock systemctl groupadd useradd mkfifo';

/**
 * Something happens at the `nth` external command of the process, whatever it is. Commands of one pipeline run side by
 * side, so which one comes `nth` is not always the same.
 */
export function atCommand(nth: number, action: 'kill' | 'fail', counter: string): string {
  const act = action === 'kill' ? KILL : 'return 1';
  // A byte for each, appended: a number that one process reads while another writes it could begin again.
  const tick = `fault_tick() {
  printf x >>'${counter}'
  [ "$(wc -c <'${counter}')" != ${String(nth)} ]
}`;
  const shims = COMMANDS.split(' ').map(
    (name) => `${name}() { fault_tick || { ${act}; }; command ${name} "$@"; }`,
  );
  return [`: >'${counter}'`, tick, ...shims].join('\n');
}
