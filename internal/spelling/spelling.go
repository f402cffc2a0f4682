// Package spelling finds the name that was probably meant.
package spelling

import "strings"

// longest bounds what is compared, in bytes.
const longest = 256

// Closest returns the name that differs least from the given one, by at most one letter in three; "" when there is
// none. Case does not count, and of names that differ as much, the first in the alphabet is returned.
func Closest(name string, names []string) string {
	best, fewest := "", max(1, len(name)/3)+1
	for _, candidate := range names {
		n := distance(strings.ToLower(name), strings.ToLower(candidate))
		if n < fewest || n == fewest && best != "" && candidate < best {
			best, fewest = candidate, n
		}
	}
	return best
}

// IsSlip reports whether a name is another one with a slip of the fingers: one letter in ten may differ, or one in a
// short name, and no digit. Names that differ in their digits, such as v1 and v2, are those of several things.
func IsSlip(name, meant string) bool {
	return len(name) >= shortest && digits(name) == digits(meant) && distance(name, meant) <= max(1, len(name)/10)
}

// shortest is how long a name is, in bytes, that a slip is told from another name in.
const shortest = 3

func digits(name string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, name)
}

// distance is the number of letters to add, drop, change, or swap with their neighbour.
func distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return len(a) + len(b)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
