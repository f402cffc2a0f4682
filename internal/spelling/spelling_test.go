package spelling

import (
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	for _, c := range []struct {
		rule  string
		name  string
		names []string
		want  string
	}{
		{"two letters swapped", "shpo", []string{"app", "shop"}, "shop"},
		{"two letters swapped within a path", "pokoytan/app", []string{"redis", "pokotyan/app"}, "pokotyan/app"},
		{"a letter missing", "imagePullPolcy", []string{"image", "imagePullPolicy"}, "imagePullPolicy"},
		{"a letter too many", "containerss", []string{"containers", "initContainers"}, "containers"},
		{"the one that differs least", "shop", []string{"shop-eu", "shops"}, "shops"},
		{"the name itself", "shop", []string{"shops", "shop"}, "shop"},
		{"case does not count", "IMAGEPULLPOLICY", []string{"imagePullSecrets", "imagePullPolicy"}, "imagePullPolicy"},
		{"the first in the alphabet of two", "cat", []string{"rat", "bat"}, "bat"},
		{"the first in the alphabet of two, in order", "cat", []string{"bat", "rat"}, "bat"},
		{"short names may differ by one letter", "a", []string{"b"}, "b"},
		{"short names may not differ by two", "ab", []string{"cd"}, ""},
		{"one letter in three", "abcdef", []string{"abcdxy"}, "abcdxy"},
		{"more than one letter in three", "abcdef", []string{"abcxyz"}, ""},
		{"a letter at the beginning", "xshop", []string{"shop"}, "shop"},
		{"swapped at the beginning", "hsop", []string{"shop"}, "shop"},
		{"the end of another name", "secret", []string{"clientsecret"}, ""},
		{"a name whose end another is", "clientsecret", []string{"secret"}, ""},
		{"nothing alike", "web", []string{"database"}, ""},
		{"no names", "web", nil, ""},
		{"a name that is too long", strings.Repeat("x", 1000), []string{"x"}, ""},
		{"a name of the longest length", strings.Repeat("x", 256), []string{strings.Repeat("x", 255)}, strings.Repeat("x", 255)},
		{"a name that is one too long", strings.Repeat("x", 257), []string{strings.Repeat("x", 256)}, ""},
		{"a candidate that is one too long", strings.Repeat("x", 256), []string{strings.Repeat("x", 257)}, ""},
	} {
		if got := Closest(c.name, c.names); got != c.want {
			t.Errorf("%s: %q, want %q", c.rule, got, c.want)
		}
	}
}
