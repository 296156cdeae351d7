import { pinnedVllm } from './vllm-version.js';

/**
 * What vLLM compiles with when it starts: Triton builds its launcher with a C compiler and Python's headers, PyTorch's inductor and
 * extensions with a C++ compiler and ninja. Without them a server ends after its weights are loaded.
 */
const COMPILERS = ['g++', 'gcc', 'libc6-dev', 'ninja-build', 'python3-dev'];

/** Debian packages that the vLLM of a requirements file needs besides its environment. */
export function enginePackages(requirements: string): readonly string[] {
  // The build for processors binds its threads to memory by libnuma.
  const cpu = pinnedVllm(requirements)?.cpu === true;
  return cpu ? [...COMPILERS, 'libnuma1'] : COMPILERS;
}
