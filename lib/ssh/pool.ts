import { Slots } from './slots.js';

/** Log-ins at a time where nothing is said. */
const HANDSHAKES = 25;
/** Log-ins at a time behind one jump host. sshd drops connections from 10 on that have not logged in (MaxStartups). */
const HANDSHAKES_BEHIND = 8;

/** A connection that others run through. */
export interface Shared {
  /** Whether it has ended by itself. */
  ended(): boolean;
  close(): Promise<void>;
}

/** A share in a connection; the last one that is released closes it. */
export interface Lease<T> {
  readonly value: T;
  release(): Promise<void>;
}

interface Entry {
  readonly value: Promise<Shared>;
  /** Known once it has been made. */
  made?: Shared;
  users: number;
}

/**
 * What the connections of one run have in common: how many log in at a time, over all and behind each jump host, and the
 * one connection to a jump host that all hosts behind it use.
 */
export class SshPool {
  readonly #all: Slots;
  readonly #behind = new Map<string, Slots>();
  readonly #shared = new Map<string, Entry>();

  /** @param handshakes log-ins at a time over all */
  constructor(handshakes: number = HANDSHAKES) {
    this.#all = new Slots(handshakes);
  }

  /**
   * Resolves, when this log-in may begin, to what is to be called when it has ended.
   *
   * @param way names the jump host; empty: there is none
   * @param until rejects when waiting has become pointless
   */
  async enter(way: string, until: Promise<never>): Promise<() => void> {
    // In this order, so that who waits for a jump host takes no one else's place.
    const leaveJump = way === '' ? undefined : await this.#slotsBehind(way).take(until);
    try {
      const leave = await this.#all.take(until);
      return () => {
        leave();
        leaveJump?.();
      };
    } catch (error) {
      leaveJump?.();
      throw error;
    }
  }

  /**
   * A share in the connection called `key`, which `make` makes where there is none that lives. All who wait for one that
   * cannot be made get its error.
   */
  async share<T extends Shared>(key: string, make: () => Promise<T>): Promise<Lease<T>> {
    let entry = this.#shared.get(key);
    if (entry === undefined || entry.made?.ended() === true) {
      entry = begin(make);
      this.#shared.set(key, entry);
    }
    const mine = entry;
    mine.users += 1;
    try {
      const value = (await mine.value) as T;
      return { value, release: () => this.#release(key, mine) };
    } catch (error) {
      if (this.#shared.get(key) === mine) this.#shared.delete(key);
      throw error;
    }
  }

  async #release(key: string, entry: Entry): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (this.#shared.get(key) === entry) this.#shared.delete(key);
    await entry.made?.close();
  }

  #slotsBehind(way: string): Slots {
    const known = this.#behind.get(way) ?? new Slots(HANDSHAKES_BEHIND);
    this.#behind.set(way, known);
    return known;
  }
}

function begin(make: () => Promise<Shared>): Entry {
  const entry: Entry = { value: make().then((made) => (entry.made = made)), users: 0 };
  return entry;
}
