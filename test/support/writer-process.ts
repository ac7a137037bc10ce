/**
 * The model of one writer's process. All its calls of store and staging pass through here, are counted, and can be made
 * to fail. After a crash no call of the process is answered any more.
 */

/**
 *   not stored          the call throws, and has done nothing
 *   stored, but error   the call throws, and has been done
 *   crash before        the process dies before the call is done
 *   crash after         the call is done, and the process dies before the answer
 */
export const FAULTS = ['not stored', 'stored, but error', 'crash before', 'crash after'] as const;
export type Fault = (typeof FAULTS)[number];

/** Whether a method's effect outlives the process. Each call of a durable method is a kill point. */
export type Kind = 'durable' | 'read';

export interface Call {
  /** For example `store.create tile/0/000.p/1`. */
  readonly name: string;
  readonly of: 'store' | 'staging';
  readonly kind: Kind;
  /** The call's number among the process's calls of the same kind, from 0. */
  readonly number: number;
}

/** The delays and faults of a process's calls. */
export interface Plan {
  readonly fault?: (call: Call) => Fault | undefined;
  /** The call is done only when this has settled. */
  readonly before?: (call: Call) => Promise<void>;
  /** The call has been done, and is answered only when this has settled. */
  after?: ((call: Call) => Promise<void>) | undefined;
  /** How many versions back a read of `checkpoint` sees. */
  readonly stale?: (call: Call) => number | undefined;
}

/** Fails the durable call of this number. */
export function faultAt(number: number, fault: Fault): Plan {
  return { fault: (call) => (call.kind === 'durable' && call.number === number ? fault : undefined) };
}

export class WriterProcess {
  readonly plan: Plan;
  readonly calls: Call[] = [];
  readonly crashed: Promise<void>;
  #crash!: () => void;
  #isDead = false;

  constructor(plan: Plan = {}) {
    this.plan = plan;
    this.crashed = new Promise((resolve) => {
      this.#crash = resolve;
    });
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** A method, since TypeScript takes a property that was false before an `await` to be false after it. */
  #hasCrashed(): boolean {
    return this.#isDead;
  }

  /** The names of the durable calls so far. */
  get durable(): string[] {
    return this.calls.filter(({ kind }) => kind === 'durable').map(({ name }) => name);
  }

  async call<T>(what: Omit<Call, 'number'>, work: (call: Call) => Promise<T>): Promise<T> {
    if (this.#hasCrashed()) return never();
    const call = { ...what, number: this.calls.filter(({ kind }) => kind === what.kind).length };
    this.calls.push(call);
    await this.plan.before?.(call);
    if (this.#hasCrashed()) return never();
    const fault = this.plan.fault?.(call);
    if (fault === 'crash before') return this.#die();
    if (fault === 'not stored') throw new Error(`injected: ${call.name} is not stored`);
    const result = await work(call);
    if (fault === 'crash after') return this.#die();
    if (fault === 'stored, but error') throw new Error(`injected: ${call.name} is stored, and not answered`);
    await this.plan.after?.(call);
    if (this.#hasCrashed()) return never();
    return result;
  }

  #die(): Promise<never> {
    this.#isDead = true;
    this.#crash();
    return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
