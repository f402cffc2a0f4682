package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// curve is what a number of Applications has cost, for the plot; zero for what was not measured.
type curve struct {
	n int
	// bare and first are the bare apply and the first sync; change and base a commit to one Application until it is live
	// (median) and to all; restart until all are compared.
	bare, first, change, base, restart time.Duration
}

// drawn are the lines of a plot.
var drawn = []struct {
	name, colour, dash string
	of                 func(curve) time.Duration
}{
	{"bare apply (limit)", "#64748b", "5 4", func(c curve) time.Duration { return c.bare }},
	{"first sync", "#0891b2", "", func(c curve) time.Duration { return c.first }},
	{"commit to the base", "#2563eb", "", func(c curve) time.Duration { return c.base }},
	{"start, all synced", "#16a34a", "", func(c curve) time.Duration { return c.restart }},
	{"commit to one", "#9333ea", "", func(c curve) time.Duration { return c.change }},
}

// The plot's size and margins, and the least distance of two lines of text.
const (
	plotWidth, plotHeight                    = 720.0, 420.0
	plotLeft, plotRight, plotTop, plotBottom = 70.0, 170.0, 30.0, 50.0
	lineHeight                               = 15.0
)

// axes turn numbers of Applications and times into places. Both are logarithmic, so that a straight line is a power
// of n, and one at 45° is linear.
type axes struct{ first, last, low, high float64 }

func (a axes) x(n int) float64 {
	return plotLeft + (math.Log10(float64(n))-a.first)/max(a.last-a.first, 1e-9)*(plotWidth-plotLeft-plotRight)
}

func (a axes) y(power float64) float64 {
	return plotHeight - plotBottom - (power-a.low)/max(a.high-a.low, 1e-9)*(plotHeight-plotTop-plotBottom)
}

func (a axes) at(d time.Duration) float64 { return a.y(math.Log10(d.Seconds())) }

// axesOf returns axes with room for all that was measured.
func axesOf(curves []curve) axes {
	a := axes{first: math.Log10(float64(curves[0].n)), last: math.Log10(float64(curves[len(curves)-1].n)), low: math.Inf(1), high: math.Inf(-1)}
	for _, c := range curves {
		for _, line := range drawn {
			if d := line.of(c); d > 0 {
				power := math.Log10(d.Seconds())
				a.low, a.high = min(a.low, math.Floor(power)), max(a.high, math.Ceil(power))
			}
		}
	}
	if a.low >= a.high {
		a.low, a.high = min(a.low, 0), max(a.high, 1)
	}
	return a
}

// drawing is a plot of how times grow with the number of Applications, in the order of curves.
func drawing(curves []curve) string {
	a := axesOf(curves)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="How times grow with the number of Applications">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" fill="#ffffff"/>`+"\n", plotWidth, plotHeight)
	for power := a.low; power <= a.high; power++ {
		fmt.Fprintf(&b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" stroke="#e2e8f0"/><text x="%g" y="%.1f" text-anchor="end">%g s</text>`+"\n",
			plotLeft, plotWidth-plotRight, a.y(power), a.y(power), plotLeft-8, a.y(power)+4, math.Pow(10, power))
	}
	for _, c := range curves {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%d</text>`+"\n", a.x(c.n), plotHeight-plotBottom+20, c.n)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">Applications</text>`+"\n", (plotLeft+plotWidth-plotRight)/2, plotHeight-10)
	b.WriteString(lines(a, curves))
	b.WriteString("</svg>\n")
	return b.String()
}

// label is the name of a line, at its end.
type label struct {
	y            float64
	name, colour string
}

// lines draws what was measured, each line with its name at its end and a dot at each figure.
func lines(a axes, curves []curve) string {
	var b strings.Builder
	var labels []label
	for _, line := range drawn {
		var points []string
		var end float64
		for _, c := range curves {
			d := line.of(c)
			if d <= 0 {
				continue
			}
			end = a.at(d)
			points = append(points, fmt.Sprintf("%.1f,%.1f", a.x(c.n), end))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s, %d: %s</title></circle>`+"\n", a.x(c.n), end, line.colour, line.name, c.n, rounded(d))
		}
		if len(points) == 0 {
			continue
		}
		dash := ""
		if line.dash != "" {
			dash = fmt.Sprintf(` stroke-dasharray="%s"`, line.dash)
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(points, " "), line.colour, dash)
		labels = append(labels, label{end, line.name, line.colour})
	}
	for _, l := range apart(labels) {
		fmt.Fprintf(&b, `<text x="%g" y="%.1f" fill="%s">%s</text>`+"\n", plotWidth-plotRight+10, l.y+4, l.colour, l.name)
	}
	return b.String()
}

// apart moves labels down where they would lie upon each other.
func apart(labels []label) []label {
	slices.SortStableFunc(labels, func(a, b label) int { return cmp.Compare(a.y, b.y) })
	for i := 1; i < len(labels); i++ {
		labels[i].y = max(labels[i].y, labels[i-1].y+lineHeight)
	}
	return labels
}
