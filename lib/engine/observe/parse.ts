import type { Problem } from '../../manifest/index.js';
import { CitadelError } from '../../manifest/index.js';
import type { Observation, ParseContext, SectionReader } from './observation.js';
import { AccountReader } from './parse-accounts.js';
import { BeforeReader } from './parse-before.js';
import { MountReader } from './parse-mounts.js';
import { PackageReader } from './parse-packages.js';
import { PathReader } from './parse-paths.js';
import { RecordReader } from './parse-record.js';
import { UnitReader } from './parse-units.js';
import { Fields } from './fields.js';
import type { ObserveRequest } from './request.js';

export interface ParseOptions {
  /** The host, for messages. */
  readonly source: string;
  /** Whether the program ran against an offline root. */
  readonly offline: boolean;
}

/**
 * The output of `remote/observe.sh` as one snapshot.
 *
 * @throws CitadelError `observe.output` for output that is not understood, `observe.read` for each thing that could
 *   not be read, `observe.tool` for each tool that the host lacks; all at once where they are independent
 */
export function parseObservation(
  output: Buffer,
  request: ObserveRequest,
  options: ParseOptions,
): Observation {
  const fields = new Fields(output, options.source);
  const problems: Problem[] = [];
  const context: ParseContext = { request, problems, ...options };

  fields.expect('citadel-observe/1');
  const privileged = fields.take() === '0';
  const record = new RecordReader(context);
  const paths = new PathReader(context);
  const units = new UnitReader(context);
  const accounts = new AccountReader(context);
  const packages = new PackageReader(context);
  const mounts = new MountReader(context);
  const before = new BeforeReader(paths);
  readSection('record', fields, record, context);
  readSection('paths', fields, paths, context);
  readSection('directories', fields, paths, context);
  readSection('blocks', fields, paths, context);
  readSection('units', fields, units, context);
  readSection('accounts', fields, accounts, context);
  readSection('packages', fields, packages, context);
  readSection('mounts', fields, mounts, context);
  if (request.before.length > 0) readSection('before', fields, before, context);
  fields.expect('end');
  fields.end();

  const known = accounts.result();
  const seen = paths.result(options.offline ? known.names : null);
  const states = units.result();
  const host = {
    ...record.result(),
    ...seen,
    ...(request.before.length === 0 ? {} : { before: before.result() }),
    units: options.offline ? null : states.units,
    packages: packages.result(),
    ...(packages.stuck().size === 0 ? {} : { stuckPackages: packages.stuck() }),
    groups: known.groups,
    users: known.users,
    mounts: options.offline ? null : mounts.result(),
    offline: options.offline ? { privileged, accounts: known.present, unitFiles: states.unitFiles } : null,
  };
  if (problems.length > 0) throw new CitadelError(problems);
  return { host, indexSent: record.indexSent };
}

function readSection(name: string, fields: Fields, reader: SectionReader, context: ParseContext): void {
  fields.expect(name);
  for (let tag = fields.take(); tag !== '.'; tag = fields.take()) {
    if (reader.read(tag, fields)) continue;
    if (tag === 'error') context.problems.push(readProblem(context, fields.take(), fields.take()));
    else if (tag === 'missing') context.problems.push(toolProblem(context, fields.take(), fields.take()));
    else throw fields.unreadable(`the record ${JSON.stringify(tag)} in section "${name}"`);
  }
}

function readProblem(context: ParseContext, what: string, words: string): Problem {
  return {
    code: 'observe.read',
    path: context.source,
    got: `${what} could not be read: ${words.trim() === '' ? 'no reason was given' : words.trim()}`,
    fix: 'Put right what it complains about, or run with an account that may read it',
  };
}

function toolProblem(context: ParseContext, tool: string, debianPackage: string): Problem {
  return {
    code: 'observe.tool',
    path: context.source,
    got: `The host has no ${tool}, and without it part of the host cannot be read`,
    fix: `Install the package ${debianPackage} on it`,
  };
}
