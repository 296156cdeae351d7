import { resolve } from 'node:path';
import { z } from 'zod';
import { CitadelError, validateManifest } from '../../manifest/index.js';
import { replaceFile } from '../secrets/replace-file.js';
import type { Shell } from '../shell.js';
import { jsonText } from '../text/plan-json.js';
import { errorMessage } from '../../text/error-message.js';
import type { HostRecord } from './record.js';

const FORMAT = 'citadel-iac-plan/1';

/** A plan that was reviewed, to be applied later as it is. */
export interface SavedPlan {
  /** Version of the tool that made it. */
  readonly tool: string;
  /** Of the operator's repository. */
  readonly commit?: string;
  /** Files that the documents came from; absent: the project. `-` is standard input. */
  readonly manifest?: readonly string[];
  readonly hosts: Readonly<Record<string, HostRecord>>;
}

const hostSchema = z.object({
  digest: z.string(),
  document: z.unknown(),
  generation: z.number().nullable(),
  generationDigest: z.string().nullable(),
  changes: z.record(z.string(), z.looseObject({})),
  unitActions: z.array(z.string()),
  owed: z.array(z.string()),
  seen: z.string().optional(),
});

const fileSchema = z.object({
  format: z.literal(FORMAT),
  tool: z.string(),
  commit: z.string().optional(),
  manifest: z.array(z.string()).optional(),
  hosts: z.record(z.string(), hostSchema),
});

/**
 * Writes it for the operator alone: it shows lines of files that only root reads on the host.
 *
 * @param file relative to the working directory
 * @throws CitadelError when it cannot be written
 */
export function writePlan(shell: Shell, file: string, plan: SavedPlan): void {
  try {
    replaceFile(resolve(shell.cwd, file), jsonText({ format: FORMAT, ...plan }), 0o600);
  } catch (error) {
    throw new CitadelError(
      {
        code: 'cli.plan.write',
        path: file,
        got: `cannot be written: ${errorMessage(error)}`,
        fix: 'Give a file in a folder that is there and that you may write to',
      },
      { cause: error },
    );
  }
}

/** @throws CitadelError when it cannot be read, is no saved plan, or one of another version */
export async function readPlan(shell: Shell, file: string): Promise<SavedPlan> {
  const value = parseJson(await shell.readFile(file));
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw notAPlan(file, value, parsed.error.issues[0]);
  const { format: _format, hosts, commit, manifest, tool } = parsed.data;
  if (tool !== shell.version) {
    throw new CitadelError({
      code: 'cli.plan.version',
      path: file,
      got: `was saved by version ${tool} of citadel-iac; this is ${shell.version}, which may plan otherwise`,
      fix: SAVE_AGAIN,
    });
  }
  const records = Object.entries(hosts).map(([host, { seen, ...record }]) => {
    const document = validateManifest(record.document);
    return [host, { ...record, document, ...(seen !== undefined && { seen }) }] as const;
  });
  return {
    tool,
    ...(commit !== undefined && { commit }),
    ...(manifest !== undefined && { manifest }),
    hosts: Object.fromEntries(records),
  };
}

const SAVE_AGAIN = 'Save it again with "citadel-iac diff --save FILE", and review it';

function notAPlan(file: string, value: unknown, issue: z.core.$ZodIssue | undefined): CitadelError {
  const { format, tool } = Object(value) as { readonly format?: unknown; readonly tool?: unknown };
  if (typeof format === 'string' && format !== FORMAT && format.startsWith('citadel-iac-plan/')) {
    return new CitadelError({
      code: 'cli.plan.version',
      path: file,
      got: `is a plan of the format ${format}, saved by version ${String(tool)} of citadel-iac; this version reads ${FORMAT}`,
      fix: `${SAVE_AGAIN}, or use that version`,
    });
  }
  const where =
    issue === undefined || format !== FORMAT ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
  return new CitadelError({
    code: 'cli.plan.file',
    path: file,
    got: `is not a plan that "citadel-iac diff --save" wrote${where}`,
    fix: SAVE_AGAIN,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
