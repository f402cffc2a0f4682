// Holds the page to what the server sends: where the document of the API says something else than the page reads, this
// does not compile.

import type { components } from "./schema";
import type { Delivery, Detail, Me, Overview, Plan, RolloutView, Row, Rows } from "./types";
import type { Preview, RepositoryTree } from "./settings";

type Sent = components["schemas"];

/** Plain is a type without null: the server's lists are never null, though its document allows it. */
type Plain<T> = T extends (infer E)[] ? Plain<E>[] : T extends object ? { [K in keyof T]: Plain<NonNullable<T[K]>> } : T;

/** Reads fails to compile where what is sent lacks what is read, or has it of another type. */
type Reads<Read, What extends Read> = What;

export type Agrees = [
  Reads<Loose<Row>, Plain<Sent["Row"]>>,
  Reads<Loose<Rows>, Plain<Sent["RowsAnswerBody"]>>,
  Reads<Loose<Overview>, Plain<Sent["Overview"]>>,
  Reads<Loose<Detail>, Plain<Sent["Detail"]>>,
  Reads<Loose<Plan>, Plain<Sent["Plan"]>>,
  Reads<Loose<RolloutView>, Plain<Sent["RolloutView"]>>,
  Reads<Loose<Delivery>, Plain<Sent["Delivery"]>>,
  Reads<Loose<Me>, Plain<Sent["MeBody"]>>,
  Reads<Loose<Preview>, Plain<Sent["Preview"]>>,
  Reads<Loose<RepositoryTree>, Plain<Sent["RepositoryTree"]>>,
];

/** Loose is a type whose words may be any: the document does not list all values of what it calls a string. */
type Loose<T> = T extends string ? string : T extends (infer E)[] ? Loose<E>[] : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;
