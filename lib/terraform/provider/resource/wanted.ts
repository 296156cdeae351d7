import { CitadelError, type Problem } from '../../../manifest/problem.js';
import { nullAttribute } from '../null-attribute.js';
import { UNKNOWN, type CtyObject } from '../cty/value.js';

/** What a resource's values ask for. */
export interface WantedHost {
  readonly name: string;
  /** Of the document that the host gets; absent: whatever its file holds. */
  readonly digest?: string;
}

/**
 * The values that a person gives. A name that is absent is refused and never taken for "nothing": a host is emptied when
 * its resource is destroyed, and by nothing else.
 *
 * @param where named in the problems where the values do not name a host
 * @returns `undefined` while a value is known only after another apply
 * @throws CitadelError with every attribute that is wrong
 */
export function wantedHost(values: CtyObject, where: string): WantedHost | undefined {
  const name = values['name'] ?? null;
  const digest = values['digest'] ?? null;
  const path = typeof name === 'string' && name !== '' ? name : where;
  const problems: Problem[] = [];
  if (name === null || name === '') problems.push(nullAttribute(path, 'name', NAME_FIX, nameGot(name)));
  if (typeof digest === 'string' && !/^[0-9a-f]{64}$/.test(digest)) {
    const got = 'is not the sha256 of a document: 64 hexadecimal digits';
    problems.push({ code: 'provider.digest', path, property: 'digest', got, fix: DIGEST_FIX });
  }
  if (problems.length > 0) throw new CitadelError(problems);
  if (name === UNKNOWN || digest === UNKNOWN) return undefined;
  return { name: typeof name === 'string' ? name : '', ...(typeof digest === 'string' ? { digest } : {}) };
}

function nameGot(name: '' | null): string {
  return name === null ? 'is null' : 'is empty';
}

const NAME_FIX = "Write the host's name there, as its document has it";
const DIGEST_FIX =
  'Write there what "npx citadel-iac diff --json" says of the host, or leave it out for whatever the document file holds';
