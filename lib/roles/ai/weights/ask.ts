import { CitadelError } from '../../../manifest/index.js';
import type { LockWorld } from '../../../site/index.js';
import { errorMessage } from '../../../text/error-message.js';
import { visible } from '../../../text/visible.js';

/** What a server says is shown up to here. */
const LONGEST = 300;

/** Asks one source over HTTP; what goes wrong says which, what the server said, and what to do. */
export class Asker {
  constructor(
    readonly world: LockWorld,
    /** The model and its source, for messages. */
    readonly where: string,
    private readonly token: string | undefined,
  ) {}

  /** @param what is asked for, for messages @throws CitadelError for any answer but a good one */
  async get(url: string, what: string): Promise<Response> {
    let response: Response;
    try {
      response = await this.world.fetch(url, {
        headers: {
          'user-agent': 'citadel-iac',
          ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        },
      });
    } catch (error) {
      throw this.cut(what, error);
    }
    if (url.startsWith('https:') && !response.url.startsWith('https:'))
      throw this.problem(
        'redirect',
        `${what}: the server leads to ${shown(response.url)}, unencrypted`,
        LATER,
      );
    if (response.ok) return response;
    const said = await words(response);
    const got = `${what}: the server answers ${response.status}${said === '' ? '' : `: ${said}`}`;
    const kind = response.headers.get('x-error-code');
    if (response.status === 404 && kind === 'RevisionNotFound')
      throw this.problem('revision', got, 'Name a commit, tag or branch that is there, after the "@".');
    if (response.status === 401 || response.status === 403)
      throw this.problem('closed', got, this.opening(kind));
    if (response.status === 404)
      throw this.problem('not-found', got, 'Compare "from" and "include" with what is there.');
    throw this.problem('answer', got, LATER);
  }

  /** For a server that cannot be reached, or that goes away. */
  cut(what: string, error: unknown): CitadelError {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return this.problem('unreachable', `${what}: ${shown(errorMessage(cause)) || 'no answer'}`, LATER);
  }

  problem(kind: string, got: string, fix: string): CitadelError {
    return new CitadelError({ code: `weights.source-${kind}`, path: this.where, got, fix });
  }

  private opening(kind: string | null): string {
    // The hub says of a repository that is not there the same as of one that is not shown.
    if (kind === 'RepoNotFound')
      return 'Compare the name; if it is right, give "weights.token" of an account that sees it.';
    return this.token === undefined
      ? 'Accept its conditions on its page, and name the secret of a token: "weights.token".'
      : 'Accept its conditions on its page, with the account whose token "weights.token" is.';
  }
}

const LATER = 'Try again later, and look at the source in a browser.';

/** In the server's own words, as they may be shown on one line. */
async function words(response: Response): Promise<string> {
  const header = response.headers.get('x-error-message');
  if (header !== null && header !== '') return shown(header);
  const text = await response.text().catch(() => '');
  try {
    const data: unknown = JSON.parse(text);
    const { error } = Object(data) as { readonly error?: unknown };
    return typeof error === 'string' ? shown(error) : '';
  } catch {
    return /^\s*</.test(text) ? '' : shown(text.trim());
  }
}

function shown(text: string): string {
  return visible(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}
