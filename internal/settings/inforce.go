package settings

import (
	"cmp"
	"strings"
)

// Written is a key of a ConfigMap, and what becomes of it.
type Written struct {
	Key string `json:"key"`
	// Value is left out where it may hold something secret.
	Value string `json:"value,omitempty" doc:"shortened; left out where it may hold something secret"`
	State State  `json:"state" enum:"inForce,notServed,unknown"`
	// Meaning is what it does, or what to do instead.
	Meaning string `json:"meaning" doc:"what it does, or what to do instead"`
}

// State is what becomes of a key.
type State string

// The values of State.
const (
	InForce   State = "inForce"
	NotServed State = "notServed"
	Unknown   State = "unknown"
)

// longestValue bounds the value of a key that is shown.
const longestValue = 4096

// KeysOf returns the keys of a ConfigMap, sorted, with what becomes of each.
func KeysOf(name string, data map[string]string) []Written {
	table, _ := tableOf("ConfigMap " + name)
	all := []Written{}
	for _, key := range sorted(data) {
		w := Written{Key: key, Value: shown(key, data[key])}
		row, known := table.entry(key, strings.TrimSpace(data[key]))
		switch {
		case !known:
			w.State, w.Meaning = Unknown, "unknown key; "+table.unknownKey(key).Remedy
		case row.Verdict == Honoured:
			w.State, w.Meaning = InForce, row.Words
		case row.Verdict == Harmless:
			w.State, w.Meaning = InForce, cmp.Or(row.Words, "of no effect here")
		default:
			w.State, w.Meaning = NotServed, strings.TrimSuffix(row.Words+"; "+row.Remedy, "; ")
		}
		all = append(all, w)
	}
	return all
}

// shown returns a value as it may be shown.
func shown(key, value string) string {
	for _, part := range []string{"oidc", "dex", "secret", "password", "token", "service."} {
		if strings.Contains(strings.ToLower(key), part) {
			return ""
		}
	}
	if len(value) > longestValue {
		return strings.ToValidUTF8(value[:longestValue], "") + "…"
	}
	return value
}
