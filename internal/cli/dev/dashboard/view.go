package dashboard

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cyan-cd/cyan/internal/cli/term"
)

const (
	// leastLog is how many lines of the logs there are at least, where there is room for anything else.
	leastLog = 3
	// roomyLog is how many lines more than the least the logs have when the parts above them are set apart.
	roomyLog = 8
	// mostWrong is how many lines of what is wrong are shown on small screens.
	mostWrong = 5
	// mostForwards and mostRows bound lists; the last line then counts what is left out.
	mostForwards = 9
	mostRows     = 12
	// narrow is the width below which less is said.
	narrow = 72
)

// View returns the screen, a line for each of its rows.
func (s State) View() string {
	if s.width <= 0 || s.height <= 0 {
		return ""
	}
	lines := s.lines()
	lines = lines[:min(len(lines), s.height)]
	for i, l := range lines {
		lines[i] = term.Fit(l, s.width)
	}
	return term.Frame(strings.Join(lines, "\n"))
}

func (s State) lines() []string {
	switch s.mode {
	case helping:
		return s.help()
	case settings:
		return s.editorSettings()
	}
	top := s.top()
	left := s.height - len(top) - 1
	if left < 2 {
		return append(top[:min(len(top), max(s.height-1, 1))], s.bottomLine())
	}
	lines := append(top, s.rule())
	return append(append(lines, s.logLines(left-1)...), s.bottomLine())
}

// logHeight is how many rows the logs have.
func (s State) logHeight() int { return max(s.height-len(s.top())-2, 1) }

// section is a part of the screen. Of one that has to be shorter, the last line counts what is left out.
type section struct {
	lines []string
	// least is how short it may become.
	least int
}

// top is all above the logs. What is left out first when there is no room comes last in the order below.
func (s State) top() []string {
	head, rows, forwards, wrong := section{s.head(), 1}, section{s.table(), 0}, section{s.ports(), 0}, section{s.wrongs(), 2}
	room := s.height - 2 - leastLog
	if s.whole && len(wrong.lines) > 0 {
		room = s.height - 2
	} else {
		wrong.lines = shortened(wrong.lines, max(mostWrong, s.height/3), "e shows them")
	}
	over := len(head.lines) + len(rows.lines) + len(forwards.lines) + len(wrong.lines) - room
	for _, part := range []*section{&forwards, &rows, &wrong, &head} {
		if over <= 0 {
			break
		}
		before := len(part.lines)
		part.lines = shortened(part.lines, max(before-over, min(part.least, before)), "")
		over -= before - len(part.lines)
	}
	parts := [][]string{head.lines, rows.lines, wrong.lines, forwards.lines}
	if over < -roomyLog {
		parts = apart(parts)
	}
	return slices.Concat(parts...)
}

// apart puts an empty line behind each part.
func apart(parts [][]string) [][]string {
	var all [][]string
	for _, p := range parts {
		if len(p) > 0 {
			all = append(all, p, []string{""})
		}
	}
	return all
}

// shortened returns lines of which there are no more than a number; the last then counts the others.
func shortened(lines []string, to int, how string) []string {
	if len(lines) <= to {
		return lines
	}
	if to <= 1 {
		return lines[:to]
	}
	text := fmt.Sprintf("  … %d more lines", len(lines)-to+1)
	if how != "" {
		text += " (" + how + ")"
	}
	return append(slices.Clone(lines[:to-1]), text)
}

// head is what runs and how it is, and what has changed.
func (s State) head() []string {
	state := s.verdict()
	name := orElse(s.title, "cyan dev")
	first := spread(s.theme.Strong(name), state, s.width)
	if s.round == 0 {
		return []string{first}
	}
	what := "everything is new"
	if s.round > 1 {
		what = "tried again"
	}
	return []string{first, s.theme.Quiet("  changed  ") + orElse(s.changed, what)}
}

// verdict is how things are, in a word or two.
func (s State) verdict() string {
	t := s.theme
	switch {
	case s.ending:
		return t.Wait("ending…")
	case s.anyImage(busy):
		return t.Busy("building " + s.elapsed(s.begun))
	case s.going && s.deploy.phase != done && s.anyImage(done):
		return t.Busy("deploying " + s.elapsed(s.begun))
	case s.going && s.deploy.phase != done && !s.anyImage(failed) && len(s.troubles) == 0:
		return t.Busy("preparing " + s.elapsed(s.begun))
	case len(s.troubles) > 0:
		return t.Bad("✗ " + s.troubles[len(s.troubles)-1].short())
	case s.ready.phase == busy:
		return t.Busy("starting " + s.elapsed(s.begun))
	case s.ready.phase == done:
		return t.Good("✓ ready ") + t.Strong(s.ready.text)
	case s.ready.phase == stale:
		return t.Good("✓ ready")
	}
	return t.Busy("beginning")
}

func (t trouble) short() string {
	switch t.of {
	case ofManifests:
		return "refused"
	case ofDeploy:
		return "not deployed"
	case ofPods:
		return "not ready"
	case ofSync:
		return "not copied"
	}
	return "does not build"
}

func (s State) anyImage(p phase) bool {
	return slices.ContainsFunc(s.images, func(r row) bool { return r.phase == p })
}

func (s State) elapsed(since time.Time) string {
	return fmt.Sprintf("%.1fs", max(s.now.Sub(since), 0).Seconds())
}

// table is a row for each image, and one for what comes behind the images.
func (s State) table() []string {
	if len(s.images) == 0 && s.deploy.phase == unknown {
		return nil
	}
	rows := [][]string{{"", s.theme.Quiet("image"), s.theme.Quiet(" build"), s.theme.Quiet("  push"), ""}}
	images := s.images
	left := 0
	if len(images) > mostRows {
		images, left = s.worst(mostRows-1), len(images)-mostRows+1
	}
	for _, r := range images {
		rows = append(rows, []string{s.sign(r.step), s.short(r.image), s.took(r.step, r.took), s.pushedIn(r.step), s.theme.Quiet(s.said(r.step))})
	}
	if left > 0 {
		rows = append(rows, []string{"", s.theme.Quiet(fmt.Sprintf("… %d more", left)), "", "", ""})
	}
	if s.deploy.phase != unknown {
		rows = append(rows, []string{s.sign(s.deploy), "deploy", s.took(s.deploy, s.deploy.took), "", s.theme.Quiet(s.said(s.deploy))})
	}
	if s.ready.phase != unknown {
		rows = append(rows, []string{s.sign(s.ready), "ready", s.took(s.ready, s.ready.took), "", s.theme.Quiet(s.said(s.ready))})
	}
	// What is said is cut before names are, unless these take all the room.
	shrink := []int{1}
	if slices.IndexFunc(rows, func(r []string) bool { return ansi.StringWidth(r[1]) > s.width/3 }) < 0 {
		shrink = nil
	}
	return strings.Split(strings.TrimRight(term.Columns(rows, s.width, shrink...), "\n"), "\n")
}

// worst are the rows that say most: those that have failed or go on before those that are done, in their order.
func (s State) worst(most int) []row {
	var all []row
	for _, wanted := range [][]phase{{failed}, {busy}, {done, stale, unknown}} {
		for _, r := range s.images {
			if slices.Contains(wanted, r.phase) {
				all = append(all, r)
			}
		}
	}
	return all[:min(most, len(all))]
}

func (s State) sign(p step) string {
	switch p.phase {
	case busy:
		return s.theme.Busy("◌")
	case done:
		return s.theme.Good("✓")
	case failed:
		return s.theme.Bad("✗")
	}
	return s.theme.Quiet("·")
}

func (s State) took(p step, d time.Duration) string {
	switch {
	case p.phase == busy && d == 0 && !p.began.IsZero():
		return s.theme.Busy(fmt.Sprintf("%6s", s.elapsed(p.began)))
	case d == 0:
		return ""
	}
	text := fmt.Sprintf("%6s", seconds(d))
	if p.phase == stale {
		return s.theme.Quiet(text)
	}
	return text
}

func (s State) pushedIn(p step) string {
	if p.phase == busy {
		return ""
	}
	return s.took(p, p.pushed)
}

// short returns the name of an image, without its folders where there is little room.
func (s State) short(image string) string {
	if s.width < narrow {
		return path.Base(image)
	}
	return image
}

func (s State) said(p step) string {
	if p.phase == stale && p.text != "" {
		return "as before"
	}
	return p.text
}

// ports are those of this machine, with the key that opens each.
func (s State) ports() []string {
	var lines []string
	for _, d := range s.debugged {
		lines = append(lines, fmt.Sprintf("%s %s  %s", s.theme.Good("d"), s.theme.Strong(d.address), s.theme.Quiet("debugger of "+d.image)))
	}
	for i, f := range s.forwards {
		if i == mostForwards {
			lines = append(lines, s.theme.Quiet(fmt.Sprintf("  … %d more", len(s.forwards)-mostForwards)))
			break
		}
		lines = append(lines, fmt.Sprintf("%s %s  %s", s.theme.Good(fmt.Sprint(i+1)), s.theme.Strong(s.theme.Link(f.address, f.address)), s.theme.Quiet(f.text)))
	}
	return lines
}

// wrongs is what is wrong, the newest first, as whoever found it says it.
func (s State) wrongs() []string {
	var lines []string
	for _, t := range slices.Backward(s.troubles) {
		lines = append(lines, s.theme.Bad("✗ "+t.title))
		at := 0
		for _, l := range strings.Split(t.text, "\n") {
			lines = append(lines, "  "+Linked(s.theme, l, within(t.links, at, at+len(l))))
			at += len(l) + 1
		}
	}
	return lines
}

// within returns the links of a part of a text, by their places in it.
func within(links []Link, from, to int) []Link {
	var found []Link
	for _, l := range links {
		if l.From >= from && l.To <= to {
			found = append(found, Link{l.From - from, l.To - from, l.Address})
		}
	}
	return found
}

// Linked returns a foreign text as it may be shown, with its links.
func Linked(theme term.Theme, text string, links []Link) string {
	var b strings.Builder
	at := 0
	for _, l := range links {
		if l.From < at || l.To < l.From || l.To > len(text) {
			continue
		}
		b.WriteString(term.Unstyled(text[at:l.From]))
		b.WriteString(theme.Link(l.Address, term.Unstyled(text[l.From:l.To])))
		at = l.To
	}
	b.WriteString(term.Unstyled(text[at:]))
	return strings.ReplaceAll(b.String(), "\t", "    ")
}

// rule is the line above the logs, with what is left out of them.
func (s State) rule() string {
	var parts []string
	if s.log.filter != "" || s.mode == typing {
		parts = append(parts, fmt.Sprintf("filter %q", s.log.filter))
	}
	if s.log.unbuilt {
		parts = append(parts, "without builds")
	}
	if s.log.still {
		parts = append(parts, fmt.Sprintf("paused, %d new", s.log.hidden()))
	}
	title := " logs "
	if len(parts) > 0 {
		title = " logs: " + strings.Join(parts, ", ") + " "
	}
	dashes := max(s.width-2-ansi.StringWidth(title), 0)
	line := s.theme.Quiet("──")
	if len(parts) > 0 {
		line += s.theme.Wait(title)
	} else {
		line += s.theme.Quiet(title)
	}
	return line + s.theme.Quiet(strings.Repeat("─", dashes))
}

// logLines are as many rows of the logs as there is room for.
func (s State) logLines(height int) []string {
	numbers := s.log.before(s.log.end(), height)
	width := 0
	for _, n := range numbers {
		width = max(width, ansi.StringWidth(s.log.at(n).label))
	}
	width = min(width, s.width/4)
	var lines []string
	for _, n := range numbers {
		lines = append(lines, s.logLine(s.log.at(n), width)...)
	}
	lines = lines[max(len(lines)-height, 0):]
	if len(lines) == 0 && height > 0 {
		lines = append(lines, s.theme.Quiet("  "+s.noLogs()))
	}
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines
}

func (s State) noLogs() string {
	if s.log.filter != "" {
		return "no line has this text"
	}
	return "nothing is printed yet"
}

// logLine is a line of the logs, in several rows where it is wrapped.
func (s State) logLine(l line, labelled int) []string {
	t := s.theme
	text := strings.ReplaceAll(l.text, "\t", "    ")
	switch l.from {
	case fromRound:
		return []string{t.Strong(text)}
	case fromTrouble:
		return []string{t.Bad(text)}
	case fromLoop:
		return []string{t.Quiet(text)}
	}
	label := ansi.Truncate(l.label, labelled, "…")
	label += strings.Repeat(" ", max(labelled-ansi.StringWidth(label), 0)) + " │"
	rows := []string{text}
	if s.log.wrap {
		rows = strings.Split(ansi.Hardwrap(text, max(s.width-labelled-3, 8), true), "\n")
	}
	for i, r := range rows {
		switch {
		case l.old || l.from == fromBuild:
			rows[i] = t.Quiet(label + " " + r)
		default:
			rows[i] = t.Shade(s.log.shades[l.key], label) + " " + r
		}
	}
	return rows
}

// bottomLine is what keys do.
func (s State) bottomLine() string {
	t := s.theme
	if s.ending {
		return t.Wait("Ending…") + t.Quiet("  ctrl-c again leaves at once, and cleans nothing up")
	}
	if s.mode == typing {
		return t.Strong("/"+s.log.filter+"█") + t.Quiet("  enter keeps it, esc drops it")
	}
	hints := []struct{ key, what string }{{"r", "rebuild"}, {"R", "restart"}, {"o", "open"}, {"/", "filter"}, {"p", "pause"}, {"?", "help"}, {"q", "quit"}}
	if len(s.debugged) > 0 {
		hints = slices.Insert(hints, 3, struct{ key, what string }{"d", "debug"})
	}
	if s.log.still {
		hints[len(hints)-3].what = "follow"
	}
	var parts []string
	for _, h := range hints {
		parts = append(parts, t.Strong(h.key)+" "+t.Quiet(h.what))
	}
	for len(parts) > 2 && ansi.StringWidth(strings.Join(parts, "  ")) > s.width {
		parts = slices.Delete(parts, len(parts)-3, len(parts)-2)
	}
	return strings.Join(parts, "  ")
}

// spread puts two texts to the ends of a line; the first is cut when there is no room for both.
func spread(left, right string, width int) string {
	room := max(width-ansi.StringWidth(right)-2, 0)
	left = term.Fit(left, max(room, 1))
	return left + strings.Repeat(" ", max(width-ansi.StringWidth(left)-ansi.StringWidth(right), 1)) + right
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.2fs", d.Round(10*time.Millisecond).Seconds())
}
