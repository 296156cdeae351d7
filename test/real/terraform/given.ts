import { realPrograms, type RealName, type RealProgram } from '../../../scripts/real-programs.mjs';

const { found, missing } = realPrograms(process.env);

/** Terraform and OpenTofu, as far as they are there. */
export const PROGRAMS: readonly RealProgram[] = [found.terraform, found.tofu].filter(
  (each) => each !== undefined,
);

/** A program that is there, or why it is not. */
export function given(name: RealName): RealProgram | undefined {
  return found[name];
}

/** For the title of a group that is skipped: ` (skipped: …)`; empty where nothing is missing. */
export function whySkipped(...names: readonly RealName[]): string {
  return names.every((name) => found[name] !== undefined) ? '' : ` (skipped: ${missing.join('; ')})`;
}
