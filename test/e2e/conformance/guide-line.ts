/** One line of the operations guide. */
export interface GuideLine {
  /** As it is written there. */
  readonly type: string;
  /** What is wrong with what it printed (standard output and error together), or `undefined` when it did what the guide means. */
  readonly works: (printed: string) => string | undefined;
  /** It goes on until someone ends it. */
  readonly endless?: boolean;
  /** It wants a terminal to ask on, as a person has one. */
  readonly terminal?: boolean;
  /** What must be so before, next to a deployed and healthy host: a key of SITUATIONS. */
  readonly given?: Situation;
  /** What stands in for what the lab cannot have. */
  readonly double?: 'GPU' | 'Grafana' | 'SMART' | 'vLLM';
  /** Exit statuses that are well. @default [0] */
  readonly statuses?: readonly number[];
  /** Most seconds that it may take. @default 120 */
  readonly seconds?: number;
}

export type Situation =
  | 'models are stopped'
  | 'disks are not mounted'
  | 'mixtral was backed up, then damaged'
  | 'the monitor has raised an alert';

/** It printed something that matches. */
export const has =
  (pattern: RegExp) =>
  (printed: string): string | undefined =>
    pattern.test(printed) ? undefined : `did not print ${String(pattern)}`;

/** It printed nothing that matches. */
export const lacks =
  (pattern: RegExp) =>
  (printed: string): string | undefined =>
    pattern.test(printed) ? `printed ${String(pattern)}` : undefined;

/** It said something. */
export const shown = has(/\S/);
