import { describe, expect, it } from 'vitest';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { fileError, machineError } from '../../util/system-error.ts';

describe('the message of a user’s mistake', () => {
  it('obeys no terminal: controls, marks of direction and half characters are spelled out', () => {
    const name = 'a\u001b[2Jb\u009b\u202ec\ud800d\re';
    expect(new UserError(`'${name}' is wrong`).message).toBe("'a\\x1b[2Jb\\x9b\\u202ec\\ud800d\\x0de' is wrong");
  });

  it('keeps lines, tabs and every letter', () => {
    expect(new UserError('é 東 😀\n\tx').message).toBe('é 東 😀\n\tx');
  });

  it('is cut where nobody reads on', () => {
    expect(new UserError('x'.repeat(1e6)).message).toBe(`${'x'.repeat(65536)}...`);
  });

  it('shows a value as JSON, a long one in part', () => {
    expect([shown([1, 'a']), shown(undefined), shown('x'.repeat(300)).length]).toEqual(['[1,"a"]', 'nothing', 203]);
  });
});

describe('what the system refuses', () => {
  const failure = (code: string, path?: string) => Object.assign(new Error(code), { code, ...(path && { path }) });

  it('is a sentence with the file', () => {
    const cause = failure('ENOENT');
    expect(fileError(cause, '/a', 'file')).toEqual(new UserError("file '/a': no such file or folder", { cause }));
    expect(fileError(failure('EWHAT'), '/a', 'file')).not.toBeInstanceOf(UserError);
  });

  it('is no bug where the machine is meant, and a bug where lamina forgot a file', () => {
    expect(machineError(failure('EACCES', '/a'))?.message).toBe("'/a': no permission");
    expect(machineError(failure('EMFILE'))?.message).toBe('too many open files (EMFILE)');
    expect(machineError(failure('ENOENT', '/a'))).toBeUndefined();
    expect(machineError('text')).toBeUndefined();
  });
});
