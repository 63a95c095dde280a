// What a command asks of a spec: the file, and the flags that change it.
import type { Numerics } from '../../contract/stage.ts';
import type { SpecOrigin } from '../../located/source-file.ts';

export interface SpecRequest {
  /** The experiment file, relative to `cwd`, or its name among what comes with lamina. */
  file: string;
  profile?: string | undefined;
  /** `path=value[,value...]`, in the order given. */
  set?: readonly string[] | undefined;
  /** `axis=value,axis2=value2`. */
  only?: readonly string[] | undefined;
  /** Names of stages that run even when they are cached. */
  force?: readonly string[] | undefined;
  seed?: number | undefined;
  /** `stage:memory=8GB,cpus=4`, or the same without a stage for all of them. */
  resources?: readonly string[] | undefined;
  numerics: Numerics;
  /** The folder that relative paths on the command line start from. */
  cwd: string;
  /** Where the spec and the files that it names are read from, when it is not the disk. */
  origin?: SpecOrigin | undefined;
}
