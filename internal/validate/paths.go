package validate

import (
	"strconv"
	"strings"
)

func itoa(i int) string { return strconv.Itoa(i) }

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

// within says that a field path is another, or lies below it.
func within(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && other != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// nearest is the candidate that a word was most likely meant to be, or "".
func nearest(word string, candidates []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if strings.EqualFold(word, c) {
			return c
		}
		if d := editDistance(strings.ToLower(word), strings.ToLower(c)); d < distance || (d == distance && best != "" && c < best) {
			best, distance = c, d
		}
	}
	return best
}

// didYouMean is a remedy for a name that nobody knows.
func didYouMean(word string, candidates []string, otherwise string) string {
	if n := nearest(word, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return otherwise
}

// editDistance is the number of letters to add, remove, change or swap with their neighbour to get from one word to the other.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
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
