package dashboard

import (
	"slices"
	"strings"
	"unicode"
)

// Bounds of what is kept of the logs.
const (
	mostLines = 5000
	mostBytes = 4 << 20
)

// from is where a line comes from.
type from int

const (
	fromPod from = iota
	fromBuild
	fromLoop
	fromRound
	fromTrouble
)

// line is a line of the logs.
type line struct {
	from from
	// label is shown before it; key tells apart what is coloured differently.
	label, key string
	text       string
	// old is set when another pod has taken the place of the one it comes from.
	old bool
}

// stream is the logs. Lines are counted from the first that there ever was.
type stream struct {
	lines []line
	bytes int
	// next is the number of the line that comes next.
	next int
	// bottom is the number of the first line that is not shown any more, when it stands still.
	bottom int
	still  bool
	filter string
	// unbuilt leaves out what builders print; wrap shows lines whole.
	unbuilt, wrap bool
	// shades are the numbers of containers, in the order in which they were first heard of.
	shades map[string]int
}

func newStream() stream { return stream{shades: map[string]int{}} }

// add adds a line, and drops the oldest ones beyond the bounds.
func (t stream) add(l line) stream {
	if _, known := t.shades[l.key]; !known && l.from == fromPod && len(t.shades) < mostLines {
		shades := make(map[string]int, len(t.shades)+1)
		for key, shade := range t.shades {
			shades[key] = shade
		}
		shades[l.key] = len(t.shades)
		t.shades = shades
	}
	t.bytes += len(l.text) + len(l.label)
	t.next++
	drop := 0
	for ; drop < len(t.lines) && (len(t.lines)-drop >= mostLines || t.bytes > mostBytes); drop++ {
		t.bytes -= len(t.lines[drop].text) + len(t.lines[drop].label)
	}
	// What is behind the end of the lines of a state before is its own.
	t.lines = append(t.lines[drop:len(t.lines):len(t.lines)], l)
	return t
}

// end is the number of the first line that is not shown.
func (t stream) end() int {
	if t.still {
		return max(t.bottom, t.next-len(t.lines))
	}
	return t.next
}

// at returns a line by its number.
func (t stream) at(number int) line { return t.lines[number-(t.next-len(t.lines))] }

// shows reports whether a line is among those that are asked for.
func (t stream) shows(l line) bool {
	if t.unbuilt && l.from == fromBuild {
		return false
	}
	return t.filter == "" || contains(l.label+" "+l.text, t.filter)
}

// contains reports whether a text has another in it; case counts where the other has capitals.
func contains(text, part string) bool {
	if !strings.ContainsFunc(part, unicode.IsUpper) {
		text = strings.ToLower(text)
	}
	return strings.Contains(text, part)
}

// before returns the numbers of the last lines that are shown and come before another, the oldest first.
func (t stream) before(number, count int) []int {
	var found []int
	for n := number - 1; n >= t.next-len(t.lines) && len(found) < count; n-- {
		if t.shows(t.at(n)) {
			found = append(found, n)
		}
	}
	slices.Reverse(found)
	return found
}

// hidden counts the lines behind the end that would be shown.
func (t stream) hidden() int {
	count := 0
	for n := t.end(); n < t.next; n++ {
		if t.shows(t.at(n)) {
			count++
		}
	}
	return count
}

// scroll moves the end by lines that are shown, back when they are less than 0. At the end it follows again.
func (t stream) scroll(by int) stream {
	end := t.end()
	if by < 0 {
		back := t.before(end, 1-by)
		// One line at least stays.
		if len(back) < 2 {
			return t
		}
		t.still, t.bottom = true, back[max(len(back)+by, 1)-1]+1
		return t
	}
	for n := end; n < t.next; n++ {
		if !t.shows(t.at(n)) {
			continue
		}
		if by--; by == 0 {
			t.bottom = n + 1
			break
		}
	}
	if by > 0 || t.bottom >= t.next {
		return t.follow()
	}
	return t
}

// top shows the oldest lines that there are.
func (t stream) top(height int) stream {
	all := t.before(t.next, len(t.lines))
	if len(all) <= height {
		return t
	}
	t.still, t.bottom = true, all[max(height, 1)-1]+1
	return t
}

// pause stands still, follow goes on with the newest.
func (t stream) pause() stream {
	t.still, t.bottom = true, t.next
	return t
}

func (t stream) follow() stream {
	t.still, t.bottom = false, 0
	return t
}

// clear drops what there is.
func (t stream) clear() stream {
	t.lines, t.bytes = nil, 0
	return t.follow()
}
