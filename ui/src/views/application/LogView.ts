// Lines of a log are drawn without React: as they come, a few in each frame, and only so many are kept.

import { level, bare, styled } from "./ansi";
import { type Entry, Kept, lineKey } from "./log";

const frame = 250;

export interface Look {
  find: string;
  onlyFound: boolean;
  onlyBad: boolean;
  times: boolean;
  names: boolean;
  line?: string;
}

export class LogView {
  private readonly kept = new Kept();
  private readonly colours = new Map<string, number>();
  private drawn = 0;
  private asked = 0;
  private look: Look = { find: "", onlyFound: false, onlyBad: false, times: false, names: false };
  private marked = false;
  private dropped = 0;
  private top = 0;
  private height = 0;
  following = true;

  constructor(
    private readonly host: HTMLElement,
    private readonly changed: (state: { kept: number; dropped: number; following: boolean }) => void,
  ) {
    host.addEventListener("scroll", this.scrolled, { passive: true });
  }

  close() {
    cancelAnimationFrame(this.asked);
    this.host.removeEventListener("scroll", this.scrolled);
    this.host.replaceChildren();
  }

  push(entries: readonly Entry[]) {
    this.kept.push(entries);
    this.ask();
  }

  clear() {
    this.kept.clear();
    this.redraw();
  }

  set(look: Look) {
    this.look = look;
    this.redraw();
  }

  follow(on: boolean) {
    this.following = on;
    if (on) this.host.scrollTop = this.host.scrollHeight;
    this.tell();
  }

  private readonly scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.host;
    const up = scrollTop < this.top - 2;
    this.top = scrollTop;
    const bottom = scrollHeight - scrollTop - clientHeight < 24;
    // What is drawn moves the end away, and what is dropped the rest: only who goes up wants to stay where he is.
    const following = bottom || (this.following && !(up && scrollHeight >= this.height));
    this.height = scrollHeight;
    if (following === this.following) return;
    this.following = following;
    this.tell();
  };

  private redraw() {
    this.host.replaceChildren();
    this.drawn = this.kept.first;
    this.marked = false;
    this.ask();
  }

  private ask() {
    this.asked ||= requestAnimationFrame(() => {
      this.asked = 0;
      this.draw();
    });
  }

  private draw() {
    const { kept, host } = this;
    if (this.drawn < kept.first) {
      this.dropped += kept.first - this.drawn;
      this.drawn = kept.first;
    }
    while (host.firstElementChild && Number((host.firstElementChild as HTMLElement).dataset.number) < kept.first) host.firstElementChild.remove();
    const to = Math.min(kept.next, this.drawn + frame);
    const lines = document.createDocumentFragment();
    for (; this.drawn < to; this.drawn++) {
      const line = this.line(kept.at(this.drawn)!, this.drawn);
      if (line) lines.append(line);
    }
    host.append(lines);
    if (!this.marked && this.look.line) this.mark();
    else if (this.following) host.scrollTop = host.scrollHeight;
    if (this.drawn < kept.next) this.ask();
    this.tell();
  }

  private mark() {
    const found = [...this.host.children].find((c) => (c as HTMLElement).dataset.line === this.look.line);
    if (!found) return;
    this.marked = true;
    this.following = false;
    found.setAttribute("data-marked", "");
    found.scrollIntoView({ block: "center" });
  }

  private tell() {
    this.changed({ kept: this.kept.next - this.kept.first, dropped: this.dropped, following: this.following });
  }

  private colour(name: string): number {
    const known = this.colours.get(name);
    if (known !== undefined) return known;
    this.colours.set(name, this.colours.size % 6);
    return (this.colours.size - 1) % 6;
  }

  private line(entry: Entry, number: number): HTMLElement | undefined {
    const text = bare(entry.text);
    const found = this.look.find === "" ? -1 : text.toLowerCase().indexOf(this.look.find);
    if (this.look.find !== "" && this.look.onlyFound && found < 0) return undefined;
    const how = level(text);
    if (this.look.onlyBad && !how) return undefined;
    const line = document.createElement("div");
    line.className = "log-line";
    line.dataset.number = String(number);
    line.dataset.line = lineKey(entry);
    if (how) line.dataset.level = how;
    if (this.look.times && entry.time) line.append(part("log-time", entry.time));
    if (this.look.names) {
      const of = entry.container ? `${entry.pod}/${entry.container}` : entry.pod;
      const name = part("log-name", of);
      name.dataset.colour = String(this.colour(of));
      line.append(name);
    }
    if (found >= 0) line.append(text.slice(0, found), part("log-found", text.slice(found, found + this.look.find.length)), text.slice(found + this.look.find.length));
    else for (const s of styled(entry.text)) line.append(s.colour || s.bold || s.dim ? part(["log-text", s.colour && `log-${s.colour}`, s.bold && "log-bold", s.dim && "log-dim"].filter(Boolean).join(" "), s.text) : s.text);
    return line;
  }
}

function part(name: string, text: string): HTMLElement {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
}
