// The shapes of the page's own calls.

export type Sync = "Synced" | "OutOfSync" | "Unknown";
export type Health = "Healthy" | "Progressing" | "Degraded" | "Suspended" | "Missing" | "Unknown";
export type Right = "get" | "sync" | "override" | "rollback" | "update" | "delete" | "logs" | "action";

export interface Operation {
  phase: "Running" | "Succeeded" | "Failed" | "Error" | "Terminating";
  message?: string;
  startedAt: string;
  finishedAt?: string;
  by?: string;
}

/** Said is the template of a sentence that the server has made, and what stands in it. */
export interface Said {
  code: string;
  args?: Record<string, string>;
}

export interface Attention {
  reason: "Failed" | "Stuck" | "Paused" | "AwaitingPromotion" | "Degraded" | "InvalidSpec" | "Unreachable";
  message: string;
  said?: Said;
  since?: string;
}

export interface Row {
  namespace: string;
  name: string;
  project: string;
  labels?: Record<string, string>;
  owner?: string;
  cluster: string;
  destination: string;
  repo: string;
  path?: string;
  chart?: string;
  targetRevision: string;
  sync: Sync;
  revision?: string;
  health: Health;
  operation?: Operation;
  automated: boolean;
  pinned?: string;
  /** handedOver is who works on its objects for a while, in which nothing is applied. */
  handedOver?: { by: string; since: string };
  created: string;
  lastSync?: string;
  images: string[];
  objects: number;
  attention?: Attention;
  rollouts: { namespace: string; name: string; phase: string }[];
  rights: Right[];
}

export interface RowsBody {
  items: Row[];
  total: number;
  continue?: string;
}

export interface Rows extends RowsBody {
  /** stream is where the stream of changes goes on from. */
  stream: string;
}

export interface Named {
  group: string;
  kind: string;
  namespace?: string;
  name: string;
}

export type Role = "active" | "preview" | "stable" | "canary" | "old";

export interface TreeNode extends Named {
  id: string;
  parent?: string;
  version: string;
  managed: boolean;
  sync?: Sync;
  health?: Health;
  message?: string;
  created?: string;
  role?: Role;
  info: { name: string; value: string }[];
  images: string[];
  hook?: boolean;
  wave?: number;
  prunes?: boolean;
  targets: string[];
  urls: string[];
}

export interface Condition {
  type: string;
  status?: string;
  message?: string;
  remedy?: string;
  remedySaid?: Said;
  since?: string;
}

export interface Result extends Named {
  phase?: string;
  status?: string;
  message?: string;
  hook?: string;
  wave?: number;
}

export interface Deployment {
  id: number;
  revision: string;
  author?: string;
  message?: string;
  date?: string;
  deployedAt: string;
  startedAt?: string;
  by?: string;
  path?: string;
  /** source is the commit that was built, where the deployed one names it. */
  source?: Commit;
}

export interface Detail {
  /** version is what the stream goes on from. */
  version?: string;
  row: Row;
  manifest: string;
  conditions: Condition[];
  nodes: TreeNode[];
  hidden?: number;
  /** trouble is why what the objects own is not shown. */
  trouble?: string;
  history: Deployment[];
  pin?: { revision: string; by?: string; since?: string; remedy: string; remedySaid?: Said };
  operation?: Operation & { revision?: string; retries?: number; results: Result[] };
  commit?: { revision: string; author?: string; message?: string; date?: string; source?: Commit };
  windows: { kind: string; schedule: string; active: boolean; manual: boolean }[];
  canSync: boolean;
  links: { title: string; url: string }[];
  urls: string[];
}

export interface Change {
  path: string;
  from?: string;
  to?: string;
}

export interface ObjectChanges extends Named {
  live?: string;
  desired?: string;
  after?: string;
  changes: Change[];
}

export interface Task extends Named {
  phase: string;
  wave: number;
  action: "create" | "change" | "delete" | "replace" | "hook" | "none";
  restarts?: boolean;
  changes: Change[];
  note?: string;
}

export interface Finding {
  object?: string;
  message: string;
  severity: string;
}

export interface Plan {
  revision?: string;
  tasks: Task[];
  findings: Finding[];
  refusals: string[];
}

export interface Pod {
  name: string;
  phase: string;
  ready: boolean;
  restarts: number;
  created: string;
  terminating?: boolean;
  message?: string;
}

export interface Lane {
  role: "active" | "preview" | "both" | "old";
  replicaSet: string;
  revision: number;
  hash: string;
  images: string[];
  desired: number;
  ready: number;
  available: number;
  pods: Pod[];
  scaleDownAt?: string;
}

export type Verb = "promote" | "promote-full" | "abort" | "retry" | "undo" | "pause" | "resume" | "restart" | "set-image";

export interface RolloutView {
  namespace: string;
  name: string;
  application?: { namespace: string; name: string };
  strategy: "BlueGreen" | "Canary";
  phase: string;
  message?: string;
  paused: boolean;
  aborted: boolean;
  conditions: Condition[];
  desired: number;
  ready: number;
  available: number;
  updated: number;
  lanes: Lane[];
  services: { name: string; role: "active" | "preview"; hash: string; replicaSet?: string; addresses: number; since?: string; missing?: boolean }[];
  gates: { name: string; state: "open" | "waiting" | "failed"; message: string; said?: Said; until?: string }[];
  actions: { name: Verb; effect: string; effectSaid?: Said; enabled: boolean; reason?: string; reasonSaid?: Said }[];
  revisions: { revision: number; replicaSet: string; images: string[]; created: string; role?: string }[];
  events: { time: string; type: string; reason: string; message: string }[];
  weight?: { desired: number; actual: number };
  steps?: { name: string; state: "done" | "current" | "ahead"; detail?: string }[];
  /** rights are get and what who asks may do: the names of actions. */
  rights: string[];
}

export type StageName = "commit" | "build" | "set" | "seen" | "sync" | "preview" | "switch" | "drain" | "healthy";

export interface Stage {
  name: StageName;
  state: "done" | "running" | "waiting" | "failed" | "skipped" | "unknown";
  startedAt?: string;
  finishedAt?: string;
  message?: string;
  said?: Said;
}

export interface Commit {
  sha: string;
  author?: string;
  message?: string;
  date?: string;
  url?: string;
}

export interface Delivery {
  id: string;
  namespace: string;
  application: string;
  project: string;
  state: "Running" | "Waiting" | "Done" | "Replaced" | "Failed" | "Superseded";
  commit: Commit;
  source?: Commit;
  image?: string;
  stages: Stage[];
  leadSeconds?: number;
  startedAt?: string;
  finishedAt?: string;
}

export interface Cluster {
  reachable: boolean;
  since?: string;
  message?: string;
}

export interface Overview {
  deliveries: Delivery[];
  attention: Row[];
  counts: { sync: Record<string, number>; health: Record<string, number> };
  total: number;
  cluster: Cluster;
}

export interface Me {
  loggedIn: boolean;
  name?: string;
  /** account is the one that has logged in with a password, which it may change. */
  account?: string;
  groups?: string[];
  admin: boolean;
  may: { createApplication: string[]; settings: boolean; accounts: boolean; projects: boolean; repositories: boolean; clusters: boolean };
  session?: { expires: string };
  methods: { password: boolean; sso?: { name: string; loginUrl: string } };
  version: string;
  banner?: { text: string; url?: string };
  serverTime: string;
}
