import type { ProgramResult } from '../transport.js';

/** What a program of the host printed between lines for people and its own result, which a line `MARK STATUS` parts. */
export interface HostOutput {
  /** Lines for people. */
  readonly words: string;
  /** Exit status of the host's program; absent where the line is not there. */
  readonly status?: number;
  readonly result: string;
}

/** @param mark with the space that ends it, for example `citadel-weights/1 ` */
export function splitOutput({ stdout }: ProgramResult, mark: string): HostOutput {
  const text = stdout.toString('utf8');
  const at = text.startsWith(mark) ? 0 : text.indexOf(`\n${mark}`) + 1;
  if (!text.startsWith(mark, at)) return { words: text, result: '' };
  const end = text.indexOf('\n', at);
  return {
    words: text.slice(0, at),
    status: Number(text.slice(at + mark.length, end)),
    result: text.slice(end + 1),
  };
}

/** Passes on lines for people as they come. */
export function linesBefore(mark: string, say: (line: string) => void): (chunk: Buffer) => void {
  let rest = '';
  let over = false;
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      over ||= line.startsWith(mark);
      if (!over && line !== '') say(line);
    }
  };
}
