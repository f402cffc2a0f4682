package term

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// gap is between two columns.
const gap = "  "

// narrowest is how far a column is shortened before the line is cut.
const narrowest = 12

// Columns lines rows up. With a width, the column called shrink is shortened, with an ellipsis, as far as it takes, and what is still too long is cut.
// Cells may hold colours. Lines end without blanks.
func Columns(rows [][]string, width, shrink int) string {
	widths := columnWidths(rows)
	if over := lineWidth(widths) - width; width > 0 && over > 0 && shrink >= 0 && shrink < len(widths) {
		widths[shrink] = max(widths[shrink]-over, min(narrowest, widths[shrink]))
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString(gap)
			}
			cell = ansi.Truncate(cell, widths[i], "…")
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)))
			}
		}
		b.WriteString(Fit(strings.TrimRight(line.String(), " "), width))
		b.WriteByte('\n')
	}
	return b.String()
}

// Fit cuts a line to a width; 0 means as it is.
func Fit(line string, width int) string {
	if width <= 0 {
		return line
	}
	return ansi.Truncate(line, width, "…")
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	return widths
}

func lineWidth(widths []int) int {
	total := len(gap) * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	return total
}
