package term

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// gap is between two columns.
const gap = "  "

// narrowest is how far a column is shortened before the line is cut.
const narrowest = 12

// Columns lines rows up. With a width, the columns called shrink are shortened, one after the other, as far as it
// takes, and what is still too long is cut. Cells lose their middle, since names differ in their ends, but for the
// last column. Cells may hold colours. Lines end without blanks.
func Columns(rows [][]string, width int, shrink ...int) string {
	rows = cells(rows)
	widths := columnWidths(rows)
	for _, i := range shrink {
		if over := lineWidth(widths) - width; width > 0 && over > 0 && i < len(widths) {
			widths[i] = max(widths[i]-over, min(narrowest, widths[i]))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString(gap)
			}
			if i < len(row)-1 {
				cell = shorten(cell, widths[i])
			} else {
				cell = ansi.Truncate(cell, widths[i], "…")
			}
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

// cells returns rows whose cells are fit to be shown, each in one line.
func cells(rows [][]string) [][]string {
	shown := make([][]string, len(rows))
	for i, row := range rows {
		shown[i] = make([]string, len(row))
		for j, cell := range row {
			shown[i][j] = markedInLine(cell)
		}
	}
	return shown
}

// LineWidth is how wide the rows come out when nothing is shortened.
func LineWidth(rows [][]string) int { return lineWidth(columnWidths(cells(rows))) }

// shorten takes the middle out of what is too wide.
func shorten(cell string, width int) string {
	over := ansi.StringWidth(cell) - width
	if over <= 0 {
		return cell
	}
	front := (width - 1) / 2
	return ansi.Truncate(cell, front, "") + "…" + ansi.TruncateLeft(cell, front+over+1, "")
}

// Wrap breaks text between words, so that it keeps to a width behind an indent; its first line is not indented. 0
// means as it is.
func Wrap(text string, width, indent int) string {
	text = marked(text)
	if width <= indent {
		return text
	}
	return strings.ReplaceAll(ansi.Wrap(text, width-indent, ""), "\n", "\n"+strings.Repeat(" ", indent))
}

// Fit cuts a line to a width; 0 means as it is.
func Fit(line string, width int) string {
	line = marked(line)
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
