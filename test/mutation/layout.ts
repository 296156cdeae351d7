/** Where the marked programs of a reach run write down what is reached: a name that no test takes away. */
export const REACHED = '/tmp/citadel-reached';
/** Below the repository's copy in which programs are mutated. */
export const PROGRAMS = 'lib/engine/remote';
