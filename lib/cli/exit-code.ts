import type { ApplyOutcome } from '../engine/model.js';

/** What the process tells the shell that started it. */
export const EXIT = {
  /** Done, or nothing to do. */
  ok: 0,
  /** Something failed or was refused; the host is unchanged, or the message says what is not known about it. */
  error: 1,
  /** `diff` or `verify` found differences. */
  differs: 2,
  /** A step failed after the switch; the host undid everything. */
  rolledBack: 3,
  /** A step failed after the switch, and the host could not undo everything. */
  notUndone: 4,
  /** Ctrl-C, as shells have it. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The worst first: what a script must hear of when hosts ended differently. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.notUndone,
  EXIT.error,
  EXIT.rolledBack,
  EXIT.differs,
  EXIT.ok,
];

/** One code for several hosts; none at all is `ok`. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.ok;
}

export function codeOf(outcome: ApplyOutcome): ExitCode {
  switch (outcome) {
    case 'committed':
    case 'unchanged':
      return EXIT.ok;
    case 'rolled-back':
      return EXIT.rolledBack;
    case 'undo-failed':
      return EXIT.notUndone;
    case 'locked':
    case 'refused':
      return EXIT.error;
  }
}
