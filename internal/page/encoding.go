package page

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// offered are the encodings that files may have, the smallest first.
var offered = []string{"br", "gzip"}

// preferred returns the encoding that a header Accept-Encoding likes best of those that there are; "" for none. What it
// weighs with 0 is not sent.
func preferred(accept string, has func(name string) bool) string {
	weights := map[string]float64{}
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		weights[strings.ToLower(strings.TrimSpace(name))] = weightOf(parameters)
	}
	weight := func(name string) float64 {
		if w, named := weights[name]; named {
			return w
		}
		return weights["*"]
	}
	likes := slices.DeleteFunc(slices.Clone(offered), func(name string) bool { return !has(name) || weight(name) <= 0 })
	if len(likes) == 0 {
		return ""
	}
	slices.SortStableFunc(likes, func(a, b string) int { return cmp.Compare(weight(b), weight(a)) })
	return likes[0]
}

// weightOf returns the q of an encoding's parameters: 1 without one, 0 for what is none.
func weightOf(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		w, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if between := w >= 0 && w <= 1; err != nil || !between {
			return 0
		}
		return w
	}
	return 1
}
