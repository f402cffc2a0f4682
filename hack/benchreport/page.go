package benchreport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Save writes the tables of a benchmark into a file: between the two lines that name the benchmark if it has them, else
// as the whole file.
func Save(path, benchmark, tables string) error {
	page, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(inserted(string(page), benchmark, tables)), 0o600)
}

// Begin is the line of a page after which it holds the tables of a benchmark's last run.
func Begin(benchmark string) string { return fmt.Sprintf("<!-- %s: begin -->", benchmark) }

// End is the line before which they stand.
func End(benchmark string) string { return fmt.Sprintf("<!-- %s: end -->", benchmark) }

// inserted returns a page with new tables.
func inserted(page, benchmark, tables string) string {
	begin, end := Begin(benchmark), End(benchmark)
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return tables
	}
	return before + begin + "\n" + tables + end + after
}

// Cell returns text as a cell of a table may hold it.
func Cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text)
}
