package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// drawing is a plot of how times grow with the number of Applications: both axes are logarithmic, so that a straight
// line is a power of n, and one at 45° is linear.
func drawing(results []result) string {
	const width, height, left, right, top, bottom = 720.0, 420.0, 70.0, 170.0, 30.0, 50.0
	curves := []struct {
		name, colour, dash string
		of                 func(result) time.Duration
	}{
		{"bare apply (limit)", "#64748b", "5 4", func(r result) time.Duration { return r.bare }},
		{"first sync", "#0891b2", "", func(r result) time.Duration { return r.first }},
		{"commit to the base", "#2563eb", "", func(r result) time.Duration { return r.base }},
		{"start, all synced", "#16a34a", "", func(r result) time.Duration { return r.restart }},
		{"commit to one", "#9333ea", "", func(r result) time.Duration { return r.change }},
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range results {
		for _, c := range curves {
			if v := math.Log10(c.of(r).Seconds()); !math.IsInf(v, 0) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	low, high = math.Floor(low), math.Ceil(high)
	first, last := math.Log10(float64(results[0].n)), math.Log10(float64(results[len(results)-1].n))
	x := func(n int) float64 {
		return left + (math.Log10(float64(n))-first)/max(last-first, 1e-9)*(width-left-right)
	}
	y := func(v float64) float64 { return height - bottom - (v-low)/max(high-low, 1e-9)*(height-top-bottom) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" fill="#ffffff"/>`+"\n", width, height)
	for v := low; v <= high; v++ {
		fmt.Fprintf(&b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" stroke="#e2e8f0"/><text x="%g" y="%.1f" text-anchor="end">%gs</text>`+"\n", left, width-right, y(v), y(v), left-8, y(v)+4, math.Pow(10, v))
	}
	for _, r := range results {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%d</text>`+"\n", x(r.n), height-bottom+20, r.n)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">Applications</text>`+"\n", (left+width-right)/2, height-10)
	for _, c := range curves {
		var points []string
		var end float64
		for _, r := range results {
			end = y(math.Log10(c.of(r).Seconds()))
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(r.n), end))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n", strings.Join(points, " "), c.colour, c.dash)
		fmt.Fprintf(&b, `<text x="%g" y="%.1f" fill="%s">%s</text>`+"\n", width-right+8, end+4, c.colour, c.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
