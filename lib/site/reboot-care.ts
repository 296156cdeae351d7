/** What is done around a reboot of a host besides the reboot. */
export interface RebootCare {
  /** Units that are stopped before it, each to its end: what should finish its work. A host need not have them. */
  readonly drain: readonly string[];
  /** What must hold once it has booted, each a program and its arguments that end with exit status 0. */
  readonly proofs: readonly { readonly name: string; readonly command: readonly string[] }[];
}
