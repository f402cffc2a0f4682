// Lines of logs, of which there may be more than anybody can keep: the last ones are kept.

export interface Entry {
  pod: string;
  container: string;
  time: string;
  text: string;
}

export const most = { lines: 5000, characters: 2_000_000, line: 10_000 };

/** Kept is the last lines of a log, numbered from the first one there ever was. */
export class Kept {
  private lines: Entry[] = [];
  private size = 0;
  /** first is the number of the oldest line that is kept. */
  first = 0;

  get next() {
    return this.first + this.lines.length;
  }

  at(number: number): Entry | undefined {
    return this.lines[number - this.first];
  }

  push(entries: readonly Entry[]) {
    for (const e of entries) {
      const entry = e.text.length > most.line ? { ...e, text: `${e.text.slice(0, most.line)}…` } : e;
      this.lines.push(entry);
      this.size += entry.text.length;
    }
    let drop = Math.max(0, this.lines.length - most.lines);
    for (let i = 0; i < drop; i++) this.size -= this.lines[i]!.text.length;
    while (this.size > most.characters && drop < this.lines.length - 1) this.size -= this.lines[drop++]!.text.length;
    if (drop > 0) {
      this.lines.splice(0, drop);
      this.first += drop;
    }
  }

  clear() {
    this.first = this.next;
    this.lines = [];
    this.size = 0;
  }
}

/** Parsed is what a piece of a stream had: whole lines, and what the next piece goes on with. */
export interface Parsed {
  entries: Entry[];
  last: boolean;
  error?: string;
  rest: string;
}

/** parse reads a piece of a stream of JSON lines. */
export function parse(text: string, container: string): Parsed {
  const parts = text.split("\n");
  const parsed: Parsed = { entries: [], last: false, rest: parts.pop()! };
  for (const part of parts) {
    if (part.trim() === "") continue;
    let value: { result?: { content?: string; timeStampStr?: string; podName?: string; last?: boolean }; error?: { message?: string } };
    try {
      value = JSON.parse(part);
    } catch {
      continue;
    }
    if (value.error) parsed.error = value.error.message ?? "";
    const line = value.result;
    if (!line) continue;
    if (line.last) parsed.last = true;
    else if (line.content || line.timeStampStr) parsed.entries.push({ pod: line.podName ?? "", container, time: line.timeStampStr ?? "", text: line.content ?? "" });
  }
  return parsed;
}

/** lineKey returns a line as an address names it. */
export const lineKey = (e: Entry) => `${e.pod}@${e.time}`;

/** sinceLine returns how many seconds back a line of an address is, with some more to see what was before it. */
export function sinceLine(line: string | undefined, now: number): number | undefined {
  const at = Date.parse(line?.slice(line.lastIndexOf("@") + 1) ?? "");
  return Number.isNaN(at) ? undefined : Math.max(1, Math.ceil((now - at) / 1000) + 30);
}

interface Manifest {
  spec?: { containers?: { name: string }[]; initContainers?: { name: string }[]; template?: Manifest; jobTemplate?: { spec?: { template?: Manifest } } };
  status?: { containerStatuses?: { name: string; restartCount?: number; state?: { waiting?: unknown; terminated?: unknown } }[] };
}

/** containers returns the containers of a Pod, or of what makes Pods, those that run beside each other first. */
export function containers(manifest: unknown): string[] {
  const m = manifest as Manifest;
  const spec = m.spec?.template?.spec ?? m.spec?.jobTemplate?.spec?.template?.spec ?? m.spec;
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map((c) => c.name);
}

/** crashed returns the container of a Pod that does not run after it ran before: its previous log says why. */
export function crashed(manifest: unknown): string | undefined {
  return (manifest as Manifest).status?.containerStatuses?.find((c) => (c.restartCount ?? 0) > 0 && c.state?.waiting)?.name;
}
