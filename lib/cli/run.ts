import { EXIT, type ExitCode } from './exit-code.js';
import { makeProgram, usageCode } from './program.js';
import { Interrupted, type Shell } from './shell.js';
import { errorText } from './text/problems.js';

/**
 * One call of the command line tool. Never throws.
 *
 * @param argv the arguments after the program's name
 */
export async function run(argv: readonly string[], shell: Shell, version: string): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  try {
    const program = makeProgram(shell, version, (result) => (code = result));
    if (argv.length === 0) {
      shell.err.write(program.helpInformation());
      return EXIT.error;
    }
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    const usage = usageCode(error);
    if (usage !== undefined) return usage;
    if (error instanceof Interrupted) {
      shell.err.write('Nothing was changed.\n');
      return EXIT.interrupted;
    }
    shell.err.write(errorText(error, shell));
    code = EXIT.error;
  }
  return shell.signal.aborted && code === EXIT.error ? EXIT.interrupted : code;
}
