package validate

import (
	"strconv"
	"strings"

	"github.com/cyan-cd/cyan/internal/spelling"
)

func itoa(i int) string { return strconv.Itoa(i) }

// JoinPath appends a key to a field path, as findings have them.
func JoinPath(path, key string) string { return joinPath(path, key) }

// joinPath appends a key to a field path. A key that is no plain name stands in brackets, as the API server writes it.
func joinPath(path, key string) string {
	if strings.ContainsAny(key, "./[] ") {
		return path + "[" + key + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func indexPath(path string, i int) string { return path + "[" + itoa(i) + "]" }

// within reports whether a field path is another, or lies below it.
func within(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && other != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// didYouMean is a remedy for a name that is unknown.
func didYouMean(word string, candidates []string, otherwise string) string {
	if n := spelling.Closest(word, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return otherwise
}

// splitPath cuts a field path such as a.b[0][c.d] into a, b, [0] and c.d.
func splitPath(path string) []string {
	var steps []string
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return append(steps, path)
			}
			step := path[1:end]
			if _, err := strconv.Atoi(step); err == nil {
				step = path[:end+1]
			}
			steps = append(steps, step)
			path = path[end+1:]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps = append(steps, path[:end])
			path = path[end:]
		}
	}
	return steps
}

// joinStep puts a step of splitPath back.
func joinStep(path, step string) string {
	if strings.HasPrefix(step, "[") {
		return path + step
	}
	return joinPath(path, step)
}
