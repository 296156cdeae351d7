import { z } from 'zod';
import { withOwnKeys } from '../../manifest/index.js';
import type { AppliedIndex, LeftItem, ObservedHost, OpenTransaction } from '../model.js';
import type { Fields } from './fields.js';
import { newerProblem } from './newer.js';
import { unreadable } from './fields.js';
import { REBOOT_FIELDS, rebootFacts } from './reboot.js';
import type { ParseContext, SectionReader } from './observation.js';

type RecordPart = Pick<
  ObservedHost,
  'generation' | 'digest' | 'applied' | 'debts' | 'open' | 'os' | 'reboot' | 'secretKey'
>;

const indexSchema = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));

/** What `/var/lib/citadel-iac` says: the generation, its index, debts, and a transaction that has not ended. */
export class RecordReader implements SectionReader {
  indexSent = false;
  readonly #context: ParseContext;
  /** The texts that came, by tag; those of an open transaction with `open:` before the tag. */
  readonly #texts = new Map<string, string>();
  #running = false;
  #reboot: readonly string[] = [];

  constructor(context: ParseContext) {
    this.#context = context;
  }

  read(tag: string, fields: Fields): boolean {
    switch (tag) {
      case 'open':
        this.#texts.set('open', fields.take());
        this.#running = fields.take() === '1';
        return true;
      case 'reboot':
        this.#reboot = rebootFacts(Array.from({ length: REBOOT_FIELDS }, () => fields.take())).reasons;
        return true;
      case 'index':
        this.indexSent = true;
        break;
      case 'os':
      case 'generation':
      case 'digest':
      case 'tool':
      case 'document':
      case 'ledger':
      case 'paid':
      case 'lock':
      case 'state':
      case 'who':
      case 'time':
      case 'asked':
      case 'ends':
      case 'left':
      case 'key':
        break;
      default:
        return false;
    }
    this.#texts.set(this.#texts.has('open') && tag !== 'key' ? `open:${tag}` : tag, fields.take());
    return true;
  }

  result(): RecordPart {
    const key = this.#texts.get('key');
    const generation = this.#texts.get('generation');
    const os = osOf(this.#texts.get('os'));
    this.#refuseNewer();
    return {
      generation: generation === undefined ? null : this.#number(generation),
      digest: this.#digest(),
      applied: this.#applied(),
      debts: [
        ...unpaid(this.#texts.get('ledger'), this.#texts.get('paid')),
        ...unpaid(this.#texts.get('open:ledger'), this.#texts.get('open:paid')),
      ],
      open: this.#open(),
      ...(os === undefined ? {} : { os }),
      ...(this.#reboot.length > 0 && { reboot: this.#reboot }),
      secretKey: key === undefined ? null : Buffer.from(key, 'base64'),
    };
  }

  #number(name: string): number | null {
    if (/^[1-9][0-9]{0,8}$/.test(name)) return Number(name);
    this.#complain(`a current generation named ${JSON.stringify(name)}`);
    return null;
  }

  #refuseNewer(): void {
    const tool = this.#texts.get('tool')?.trim();
    const document = this.#texts.get('document') ?? '';
    const problem = newerProblem(this.#context.source, {
      generation: Number(this.#texts.get('generation')),
      ...(tool !== undefined && { tool }),
      ...(document !== '' && { document: Number(document) }),
      index: parseIndex(this.#texts.get('index') ?? ''),
    });
    if (problem !== undefined) this.#context.problems.push(problem);
  }

  #digest(): string | null {
    const digest = this.#texts.get('digest')?.trim();
    if (digest === undefined) return null;
    if (!/^[0-9a-f]{64}$/.test(digest))
      this.#complain(`a generation whose digest is ${JSON.stringify(digest)}`);
    return digest;
  }

  #applied(): AppliedIndex | null {
    const text = this.#texts.get('index');
    if (text === undefined) return null;
    const index = parseIndex(text);
    if (index === null) this.#complain('a generation whose index is damaged');
    return index;
  }

  #open(): OpenTransaction | null {
    const id = this.#texts.get('open');
    if (id === undefined) return null;
    // The lock file says who took it last, in fields: who, since when, for which transaction.
    const [who = '', since = '', holder = ''] = (this.#texts.get('open:lock') ?? '')
      .trimEnd()
      .split('\u001f');
    const mine = holder === id;
    const own = (tag: string): string => this.#texts.get(`open:${tag}`)?.trim() ?? 'unknown';
    const left = parseLeft(this.#texts.get('open:left'));
    const [askedAt = '', until = ''] = (this.#texts.get('open:asked') ?? '').trimEnd().split('\u001f');
    const ends = this.#texts.get('open:ends')?.trim() ?? '';
    return {
      id,
      running: this.#running,
      who: mine ? who : own('who'),
      since: mine ? since : own('time'),
      state: own('state'),
      ...(askedAt !== '' && until !== '' && { asked: { since: askedAt, until } }),
      ...(ends !== '' && { ends }),
      ...(left.length > 0 && { left }),
    };
  }

  #complain(got: string): void {
    this.#context.problems.push(unreadable(this.#context.source, got));
  }
}

/** `generations/N/index.json`, or `null` when it is not one. */
export function parseIndex(text: string): AppliedIndex | null {
  try {
    return withOwnKeys(indexSchema.parse(JSON.parse(text)));
  } catch {
    return null;
  }
}

/** The lines of `undo/left`: kind, item and reason. */
export function parseLeft(text: string | undefined): LeftItem[] {
  return lines(text).map((line) => {
    const [kind = '', item = '', reason = ''] = line.split('\u001f');
    return { kind, item, reason };
  });
}

/** `debian-12`, of lines of os-release(5). A release without a number (sid) has its name alone. */
function osOf(text: string | undefined): string | undefined {
  const value = (name: string): string[] =>
    lines(text).flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
  const os = [...value('ID'), ...value('VERSION_ID')].join('-');
  return os === '' ? undefined : os;
}

/** The lines of a ledger that were not struck off. */
function unpaid(ledger: string | undefined, paid: string | undefined): string[] {
  const done = new Set(lines(paid));
  return lines(ledger).filter((line) => !done.has(line));
}

function lines(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}
