// Holds the page to what the server sends: where the document of the API says something else than the page reads, this
// does not compile.

import type { components } from "./schema";
import type { Delivery, Detail, Me, Overview, Plan, RolloutView, Row, RowsBody } from "./types";
import type { Preview, RepositoryTree, RightsView } from "./settings";

type Sent = components["schemas"];

/** Reads fails to compile where what is sent lacks what is read, or has it of another type. */
type Reads<Read, What extends Read> = What;

export type Agrees = [
  Reads<Loose<Row>, Sent["Row"]>,
  Reads<Loose<RowsBody>, Sent["RowsAnswerBody"]>,
  Reads<Loose<Overview>, Sent["Overview"]>,
  Reads<Loose<Detail>, Sent["Detail"]>,
  Reads<Loose<Plan>, Sent["Plan"]>,
  Reads<Loose<RolloutView>, Sent["RolloutView"]>,
  Reads<Loose<Delivery>, Sent["Delivery"]>,
  Reads<Loose<Me>, Sent["MeBody"]>,
  Reads<Loose<Preview>, Sent["Preview"]>,
  Reads<Loose<RepositoryTree>, Sent["RepositoryTree"]>,
  Reads<Loose<RightsView>, Sent["Rights"]>,
];

/** Loose is a type whose words may be any: the document does not list all values of what it calls a string. */
type Loose<T> = T extends string ? string : T extends (infer E)[] ? Loose<E>[] : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;
