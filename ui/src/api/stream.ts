// One stream of changes for the whole browser: browsers allow six connections to a server that speaks HTTP/1.1, and a
// page that people keep open in many tabs would use them up. The tab that holds the lock listens, and tells the others.

import { address } from "./client";
import { now } from "./clock";
import { type RolloutChange, Rollouts } from "./rollout";
import type { RolloutView } from "./types";

export type StreamEvent = { type: string; id: string; data: unknown };
/** State is whether changes arrive, and since when that is so; undefined until the first stream is there. */
export type State = { connected: boolean | undefined; since: number };

const types = ["row", "gone", "application", "rollout", "rolloutGone", "overview", "delivery", "cluster", "reset", "end"] as const;

const served = /^(applications|overview|(application|rollout):[^/]+\/.+)$/;
const mostTopics = 64;

/** later is how long a tab that nobody sees keeps listening. */
const later = 5 * 60_000;

class Stream {
  private readonly channel = "BroadcastChannel" in self ? new BroadcastChannel("cyan.stream") : undefined;
  private readonly tab = Math.random().toString(36).slice(2);
  private readonly listeners = new Map<string, Set<(event: StreamEvent) => void>>();
  private readonly versions = new Map<string, () => string | undefined>();
  private readonly states = new Set<() => void>();
  private readonly others = new Map<string, string[]>();
  private source?: EventSource;
  private lastId = "";
  private open = "";
  private leads = false;
  private hidden?: ReturnType<typeof setTimeout>;
  private asleep = false;
  /** begun is set once a view has asked for changes. */
  begun = false;
  state: State = { connected: undefined, since: now() };

  start(after: string) {
    this.lastId ||= after;
    if (!this.begun) {
      this.begun = true;
      this.set({ connected: this.state.connected, since: now() });
    }
    if (this.leads || this.hidden !== undefined) return;
    this.channel?.addEventListener("message", (m) => this.heard(m.data));
    document.addEventListener("visibilitychange", () => this.seen());
    addEventListener("pagehide", () => this.channel?.postMessage({ from: this.tab, topics: [] }));
    if (this.channel && navigator.locks) {
      void navigator.locks.request("cyan.stream", () => new Promise<void>(() => this.lead()));
    } else {
      this.lead();
    }
    this.tell();
  }

  /** on calls a listener for each event of a topic. Where the page has something of it already, version says which. */
  on(topic: string, listener: (event: StreamEvent) => void, version?: () => string | undefined): () => void {
    const of = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, of.add(listener));
    if (version) this.versions.set(topic, version);
    this.tell();
    return () => {
      of.delete(listener);
      if (of.size === 0) {
        this.listeners.delete(topic);
        this.versions.delete(topic);
      }
      // Views that follow each other often ask for the same: what nobody wants any more is left out a moment later.
      setTimeout(() => this.tell(), 500);
    };
  }

  onState(listener: () => void): () => void {
    this.states.add(listener);
    return () => this.states.delete(listener);
  }

  private lead() {
    this.leads = true;
    this.channel?.postMessage({ from: this.tab, ask: true });
    this.connect();
  }

  private tell() {
    if (this.leads) this.connect();
    else this.channel?.postMessage({ from: this.tab, topics: [...this.listeners.keys()] });
  }

  private heard(m: { from: string; ask?: boolean; topics?: string[]; event?: StreamEvent; state?: State; topic?: string[] }) {
    if (m.ask) this.tell();
    if (m.topics && this.leads) {
      if (m.topics.length > 0) this.others.set(m.from, m.topics);
      else this.others.delete(m.from);
      this.channel?.postMessage({ from: this.tab, state: this.state });
      this.connect();
    }
    if (m.event) this.deliver(m.event);
    if (m.state) this.set(m.state);
  }

  private seen() {
    clearTimeout(this.hidden);
    if (document.visibilityState === "hidden") {
      this.hidden = setTimeout(() => {
        if (!this.leads || this.others.size > 0) return;
        this.asleep = true;
        this.close();
      }, later);
    } else if (this.asleep) {
      this.asleep = false;
      this.connect();
    }
  }

  private close() {
    this.source?.close();
    this.source = undefined;
    this.open = "";
  }

  private connect() {
    if (!this.leads || this.asleep) return;
    const wanted = [...new Set([...this.listeners.keys(), ...[...this.others.values()].flat()])];
    // What concerns the whole page, such as the cluster, comes with every stream: the server has no topic of that name.
    const sent = wanted.filter((t) => served.test(t)).sort().slice(0, mostTopics);
    const topics = `,${sent.join(",")}`;
    if (topics === this.open || wanted.length === 0) return;
    this.close();
    this.open = topics;
    // Where the browser opens the stream again by itself, it says the same: what has changed since then, of which it has a part.
    const had = sent.map((t) => [t, this.versions.get(t)?.()].filter(Boolean).join("@")).join(",");
    const source = new EventSource(address("api/v1/view/stream", { topics: had, after: this.lastId }), { withCredentials: true });
    this.source = source;
    const rollouts = new Rollouts();
    source.onopen = () => this.announce({ connected: true, since: now() });
    source.onerror = () => {
      if (this.state.connected !== false) this.announce({ connected: false, since: this.state.connected ? now() : this.state.since });
      if (source.readyState !== EventSource.CLOSED) return;
      // The server refused: what to do about that is found out by a call that can read the answer.
      this.open = "";
      setTimeout(() => this.source === source && this.connect(), 2000 + Math.random() * 1000);
    };
    for (const type of types) {
      source.addEventListener(type, (m) => {
        if (m.lastEventId) this.lastId = m.lastEventId;
        let data: unknown = m.data === "" ? undefined : JSON.parse(m.data);
        // Who listens, in other tabs as well, gets rollouts as a whole.
        if (type === "rollout") data = rollouts.take(data as RolloutView | RolloutChange);
        if (type === "rolloutGone") rollouts.drop(data as RolloutView);
        if (type === "rollout" && !data) {
          // A stream that begins anew tells all.
          this.close();
          return this.connect();
        }
        const event = { type, id: m.lastEventId, data };
        // What nobody else listens to is not copied: an application with thousands of objects is large.
        if (this.others.size > 0) this.channel?.postMessage({ from: this.tab, event });
        this.deliver(event);
      });
    }
  }

  private deliver(event: StreamEvent) {
    for (const of of this.listeners.values()) for (const listener of of) listener(event);
  }

  private announce(state: State) {
    this.channel?.postMessage({ from: this.tab, state });
    this.set(state);
  }

  private set(state: State) {
    this.state = state;
    this.states.forEach((listener) => listener());
  }
}

export const stream = new Stream();
