// Package screens turns objects into what a person sees: data, a width, a theme and the time go in, text comes out.
package screens

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/cyan-cd/cyan/api/v1alpha1"
	"github.com/cyan-cd/cyan/internal/cli/term"
)

// Page is what every screen is drawn for. Width 0 means no limit.
type Page struct {
	Width int
	Theme term.Theme
	Now   time.Time
	// RolloutCommand is the command below which a person asks something of a Rollout; `cyan rollout` when empty.
	RolloutCommand string
	// Namespaces is set where objects of several namespaces are listed.
	Namespaces bool
	// Namespace is the one whose Applications are listed by their names alone.
	Namespace string
	// Bare is set where a program reads the page: the states of Applications are words without a sign.
	Bare bool
}

// sign puts a sign before the word for a state.
func (p Page) sign(sign, word string) string {
	if p.Bare {
		return word
	}
	return sign + " " + word
}

func (p Page) age(since metav1.Time) string {
	if since.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(p.Now.Sub(since.Time), 0))
}

// shownDigest is how much of a digest a person needs to distinguish two images.
const shownDigest = len("@sha256:") + 12

// image shortens a digest on a terminal; what goes to a file or a program is whole.
func (p Page) image(name string) string {
	at := strings.LastIndex(name, "@sha256:")
	if p.Width == 0 || at < 0 || len(name) <= at+shownDigest {
		return name
	}
	return name[:at+shownDigest] + "…"
}

// table lines rows up below their titles; the first row holds those.
func (p Page) table(rows [][]string, shrink ...int) string {
	titles := make([]string, len(rows[0]))
	for i, title := range rows[0] {
		titles[i] = p.Theme.Strong(title)
	}
	rows[0] = titles
	return term.Columns(rows, p.Width, shrink...)
}

// without drops columns, by their titles and in this order, until the rows fit the page.
func (p Page) without(rows [][]string, titles ...string) [][]string {
	for _, title := range titles {
		at := slices.Index(rows[0], title)
		if p.Width == 0 || term.LineWidth(rows) <= p.Width || at < 0 {
			continue
		}
		for i, row := range rows {
			rows[i] = slices.Delete(slices.Clone(row), at, at+1)
		}
	}
	return rows
}

// tableOfMessages is a table whose last column holds messages. Those that do not fit go on lines of their own, below
// their rows.
func (p Page) tableOfMessages(rows [][]string, shrink ...int) string {
	last := len(rows[0]) - 1
	others := make([][]string, len(rows))
	for i, row := range rows {
		others[i] = row[:last]
	}
	room := p.Width - term.LineWidth(others) - len("  ")
	below := make([]string, len(rows))
	if p.Width > 0 {
		for i, row := range rows[1:] {
			if ansi.StringWidth(row[last]) > room {
				below[i+1] = "    " + term.Wrap(row[last], p.Width, 4) + "\n"
				row[last] = ""
			}
		}
		if room < ansi.StringWidth(rows[0][last]) {
			rows[0][last] = ""
		}
	}
	var b strings.Builder
	lines := strings.SplitAfter(p.table(rows, shrink...), "\n")
	for i := range rows {
		b.WriteString(lines[i])
		b.WriteString(below[i])
	}
	return b.String()
}

func (p Page) health(h *v1alpha1.HealthStatus) string {
	if h == nil || h.Status == "" {
		return ""
	}
	return p.healthCode(h.Status)
}

func (p Page) healthCode(code v1alpha1.HealthStatusCode) string {
	switch code {
	case v1alpha1.HealthHealthy:
		return p.Theme.Good(p.sign("✔", string(code)))
	case v1alpha1.HealthProgressing:
		return p.Theme.Busy(p.sign("◌", string(code)))
	case v1alpha1.HealthSuspended:
		return p.Theme.Wait(p.sign("॥", string(code)))
	case v1alpha1.HealthDegraded:
		return p.Theme.Bad(p.sign("✖", string(code)))
	case v1alpha1.HealthMissing:
		return p.Theme.Wait(p.sign("∅", string(code)))
	}
	return p.Theme.Quiet(p.sign("?", string(v1alpha1.HealthUnknown)))
}

func (p Page) sync(code v1alpha1.SyncStatusCode) string {
	switch code {
	case v1alpha1.Synced:
		return p.Theme.Good(p.sign("✔", string(code)))
	case v1alpha1.OutOfSync:
		return p.Theme.Wait(p.sign("⚠", string(code)))
	case "":
		return ""
	}
	return p.Theme.Quiet(p.sign("?", string(code)))
}

func (p Page) phase(phase v1alpha1.OperationPhase) string {
	switch phase {
	case v1alpha1.OperationSucceeded:
		return p.Theme.Good(p.sign("✔", string(phase)))
	case v1alpha1.OperationFailed, v1alpha1.OperationError:
		return p.Theme.Bad(p.sign("✖", string(phase)))
	case "":
		return ""
	}
	return p.Theme.Busy(p.sign("◌", string(phase)))
}

// ShortRevision is as much of a commit as people read; other revisions are given back whole.
func ShortRevision(revision string) string {
	if len(revision) == 40 {
		return revision[:7]
	}
	return revision
}

func stamp(t *metav1.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}

// fieldIndent is where the values of a header begin.
const fieldIndent = 20

// field is one line of a header; without a name it goes on with the line before.
func field(name, value string) string {
	if name != "" {
		name += ":"
	}
	return fmt.Sprintf("%-*s%s\n", fieldIndent, name, value)
}
