/** A program that `npm run check:long terraform` was given. */
export interface RealProgram {
  /** Absolute, or a name on PATH. */
  readonly path: string;
  /** For people: `Terraform 1.11.4`. */
  readonly version: string;
}

export type RealName = 'terraform' | 'tofu' | 'null' | 'local' | 's3' | 'postgres';

/** Those that are there, and why the others are not. */
export function realPrograms(environment: Readonly<Record<string, string | undefined>>): {
  readonly found: Readonly<Partial<Record<RealName, RealProgram>>>;
  readonly missing: readonly string[];
};
