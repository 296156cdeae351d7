import type { Construct } from 'constructs';
import type { FileValidator } from '../../manifest/index.js';
import { secretsIn, type SecretRef } from '../secret.js';
import { absentPath, onlyAbsent } from './absent.js';
import { attempt, type Attempt } from './attempt.js';
import type { Contribution } from './contribution.js';
import { HostItem } from './item.js';
import { refuseUnknown, type Names } from './known-props.js';
import { ownership, type OwnershipProps } from './ownership.js';
import type { OwnProblem } from './problems.js';

export interface HostFileProps extends OwnershipProps {
  /** Absolute path. */
  readonly path: string;
  /**
   * The whole content; a function is called once the tree is complete, for texts that other constructs add to. Secrets
   * stand in it by reference: `` `password=${secret('db_password')}\n` ``. Exactly one of `content`, `lines`, `bytes` and `secret`.
   */
  readonly content?: string | (() => string);
  /** The content line by line, without line ends; each gets one, the last as well. */
  readonly lines?: readonly string[];
  /** Bytes that are no text: `readFileSync` without an encoding. No secret stands in them. */
  readonly bytes?: Uint8Array;
  /** The whole file is this secret's value. */
  readonly secret?: SecretRef;
  /** Four octal digits. @default '0644', and '0600' when the file holds a secret */
  readonly mode?: string;
  /**
   * What reads the file on the host before anything is replaced: a validator by name, or a program of the host with its
   * arguments: `{ command: ['nginx', '-t', '-c', '%s'] }`. `%s` is the file's path; includes resolve as they will.
   * Exit status 0 is right. @default - by the path; see docs/engine.md
   */
  readonly validate?: FileValidator;
  /**
   * `absent`: no file and no link is to stand there, whoever made it; with `path` alone. Taken back, what was there comes
   * back. @default 'present'
   */
  readonly state?: 'present' | 'absent';
}

const NAMES: Names<HostFileProps> = {
  path: true,
  content: true,
  lines: true,
  bytes: true,
  secret: true,
  owner: true,
  group: true,
  mode: true,
  validate: true,
  state: true,
};

/**
 * A regular file with all of its content, or a path at which none is to be.
 *
 *     const welcome = new HostFile(host, 'welcome', { path: '/etc/nginx/sites-enabled/default', state: 'absent' });
 */
export class HostFile extends HostItem {
  readonly path: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: HostFileProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    this.path = props.path;
  }

  /** Whether it is a secret's value, or has one in it. */
  get holdsSecret(): boolean {
    return this.props.secret !== undefined || secretsIn(this.text().text).length > 0;
  }

  override contributions(): Contribution[] {
    const { props } = this;
    if (props.state === 'absent') return [absentPath(this.path, 'file')];
    const validate = props.validate === undefined ? {} : { validate: props.validate };
    if (props.secret !== undefined) {
      const value = { secret: props.secret.name, ...ownership(props, '0600'), ...validate };
      return [{ section: 'files', key: this.path, value }];
    }
    if (props.bytes !== undefined) {
      const bytes = Buffer.from(props.bytes).toString('base64');
      return [
        { section: 'files', key: this.path, value: { bytes, ...ownership(props, '0644'), ...validate } },
      ];
    }
    const content = this.text().text;
    const mode = secretsIn(content).length > 0 ? '0600' : '0644';
    return [{ section: 'files', key: this.path, value: { content, ...ownership(props, mode), ...validate } }];
  }

  protected override problems(): OwnProblem[] {
    if (this.props.state === 'absent') return onlyAbsent(this.props);
    const given = (['content', 'lines', 'bytes', 'secret'] as const).filter(
      (name) => this.props[name] !== undefined,
    );
    const problems: OwnProblem[] = [];
    if (given.length !== 1) {
      problems.push({
        code: 'construct.file.content',
        got: given.length === 0 ? 'the file has no content' : `the file has ${given.join(' and ')}`,
        fix: 'Give exactly one of content, lines, bytes and secret',
      });
    }
    this.props.lines?.forEach((line, index) => {
      if (!/[\n\r]/.test(line)) return;
      problems.push({
        code: 'construct.file.line',
        property: `lines[${index}]`,
        got: `${JSON.stringify(line)} has a line end inside`,
        fix: 'Give one entry per line',
      });
    });
    return [...problems, ...this.text().problems];
  }

  private text(): Attempt {
    const { text, problems } = attempt(() => textOf(this.props));
    const what = whyNotText(text);
    if (what === undefined) return { text, problems };
    return {
      text: '',
      problems: [
        ...problems,
        {
          code: 'construct.file.binary',
          property: this.props.lines === undefined ? 'content' : 'lines',
          got: `${this.path}: ${what}; content is UTF-8 text, so other bytes would arrive on the host`,
          fix: 'Give bytes: readFileSync without an encoding (of an apt key rather its armoured form, a .asc)',
        },
      ],
    };
  }
}

function textOf({ content, lines }: HostFileProps): string {
  if (typeof content === 'function') return content();
  return content ?? lines?.map((line) => `${line}\n`).join('') ?? '';
}

/** Whether a content is bytes that were read as if they were text; by what is in it, which tells more than a type. */
function whyNotText(content: unknown): string | undefined {
  if (typeof content !== 'string') return 'the content is no string (a Buffer?)';
  const found = NOT_TEXT.exec(content);
  if (found === null) return undefined;
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `the content is no text: it has U+${code} at character ${String(found.index + 1)}`;
}

/** NUL; C1 controls, as when bytes are read as Latin-1; the sign that stands for what is not UTF-8. */
// eslint-disable-next-line no-control-regex -- the rule is about control characters
const NOT_TEXT = /[\u0000\u0080-\u009f\ufffd]/;
