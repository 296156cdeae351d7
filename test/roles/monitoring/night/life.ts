/** From a minute up to another, counted from the beginning of a life. */
export type Span = readonly [from: number, to: number];

export interface During {
  readonly model: string;
  readonly span: Span;
}

/** What happens to an AI node and to the server that watches it, by the minute. */
export interface Life {
  readonly minutes: number;
  /** The AI node has no power. */
  readonly off: readonly Span[];
  /** The unit of a model is activating: its weights are read. */
  readonly loading: readonly During[];
  /** The engine says that it is well, and makes no token. */
  readonly wedged: readonly During[];
  /** Its process is gone, and does not come back by itself. */
  readonly dead: readonly During[];
  /** The node's own monitor restarts a wedged model. */
  readonly restarted: readonly { readonly model: string; readonly at: number }[];
  /** `apply` works on the AI node. */
  readonly deploys: readonly Span[];
  /** Use of the models' disk in percent: from each minute on the line to the next point. */
  readonly disk: readonly (readonly [minute: number, percent: number])[];
  /** The last run of a backup failed. */
  readonly failed: readonly { readonly backup: string; readonly span: Span }[];
  /** The monitoring server has no power. */
  readonly unwatched: readonly Span[];
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const HOUR = 60;
const DAY = 24 * HOUR;

/** `Tue 02:10`: minutes since Monday 00:00. */
export function at(text: string): number {
  const [, day = '', hours = '', minutes = ''] = /^(\w{3}) (\d\d):(\d\d)$/.exec(text) ?? [];
  if (!DAYS.includes(day)) throw new Error(`"${text}" is no time such as Tue 02:10`);
  return DAYS.indexOf(day) * DAY + Number(hours) * HOUR + Number(minutes);
}

/** The other way. */
export function clock(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const of = Math.floor(minute);
  return `${DAYS[Math.floor(of / DAY)] ?? '???'} ${two(Math.floor((of % DAY) / HOUR))}:${two(of % HOUR)}`;
}

export const within = (spans: readonly Span[], minute: number): boolean =>
  spans.some(([from, to]) => from <= minute && minute < to);

const span = (from: string, to: string): Span => [at(from), at(to)];

/** Models that the node of these lives has; two share a GPU and load one after the other. */
export const MODELS = ['coder', 'mixtral', 'phi3'] as const;

/** A night and a morning in which everything happens once. */
export const NIGHT: Life = {
  minutes: at('Mon 08:30'),
  off: [span('Mon 00:20', 'Mon 01:00')],
  loading: [
    { model: 'phi3', span: span('Mon 01:00', 'Mon 01:07') },
    { model: 'mixtral', span: span('Mon 01:07', 'Mon 01:16') },
    { model: 'coder', span: span('Mon 01:00', 'Mon 01:11') },
    { model: 'coder', span: span('Mon 02:16', 'Mon 02:27') },
    { model: 'phi3', span: span('Mon 03:32', 'Mon 03:39') },
    { model: 'mixtral', span: span('Mon 03:32', 'Mon 03:48') },
    { model: 'coder', span: span('Mon 03:32', 'Mon 03:43') },
  ],
  wedged: [{ model: 'coder', span: span('Mon 01:50', 'Mon 02:16') }],
  dead: [],
  restarted: [],
  deploys: [span('Mon 03:30', 'Mon 03:51')],
  disk: [
    [0, 60],
    [at('Mon 04:10'), 60],
    [at('Mon 05:10'), 96],
    [at('Mon 05:40'), 96],
    [at('Mon 05:41'), 70],
  ],
  failed: [{ backup: 'models-daily', span: span('Mon 02:30', 'Tue 02:30') }],
  unwatched: [span('Mon 06:10', 'Mon 07:20')],
};
