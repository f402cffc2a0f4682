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

func TestIsSlip(t *testing.T) {
	for _, c := range []struct {
		rule        string
		name, meant string
		want        bool
	}{
		{"two letters swapped", "wbe", "web", true},
		{"a letter missing", "setings", "settings", true},
		{"a letter too many", "shopp", "shop", true},
		{"another letter", "shap", "shop", true},
		{"two letters of few", "shab", "shop", false},
		{"two letters of twenty", "checkuot-prdouct-pag", "checkout-product-pag", true},
		{"two letters of nineteen", "checkuot-prdouct-pa", "checkout-product-pa", false},
		{"versions", "echo-v3", "echo-v1", false},
		{"a digit more", "shop-10", "shop-1", false},
		{"the same digits", "shpo-v1", "shop-v1", true},
		{"the last digit", "shop-9", "shop-8", false},
		{"the first digit", "shop-0", "shop-1", false},
		{"another word", "web-canary", "web-root", false},
		{"short names", "ab", "ac", false},
		{"the same", "shop", "shop", true},
	} {
		if got := IsSlip(c.name, c.meant); got != c.want {
			t.Errorf("%s: %q for %q: %v", c.rule, c.name, c.meant, got)
		}
	}
}
