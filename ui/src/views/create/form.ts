import { createContext } from "react";
import type { Fields, Path, Value } from "./document";

/** Form is what the fields of an Application read and write. */
export interface Form {
  app: Fields;
  set: (path: Path, value: Value | undefined) => void;
  /** fault returns what is wrong with a field, once it may be shown. */
  fault: (path: Path) => { text: string; warning: boolean } | undefined;
  touch: (path: Path) => void;
  off: boolean;
}

export const FormContext = createContext<Form>({ app: {}, set: () => {}, fault: () => undefined, touch: () => {}, off: false });
