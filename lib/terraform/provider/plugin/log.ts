/**
 * The provider's log: hclog's JSON lines on standard error, which Terraform shows with `TF_LOG` at their level.
 * Nothing secret and no file content is ever logged.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, string | number>>,
) => void;

/** One line for the log; `time` is RFC 3339. */
export function logLine(
  time: string,
  level: LogLevel,
  text: string,
  fields: Readonly<Record<string, string | number>> = {},
): string {
  const entry = { '@level': level, '@message': text, '@module': 'citadel', '@timestamp': time, ...fields };
  return `${JSON.stringify(entry)}\n`;
}

export const stderrLog: Log = (level, text, fields) => {
  process.stderr.write(logLine(new Date().toISOString(), level, text, fields));
};
