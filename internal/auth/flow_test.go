package auth

import (
	"net/url"
	"strings"
	"testing"
)

func TestReturnPath(t *testing.T) {
	for asked, want := range map[string]string{
		"/": "/", "/applications/shop?view=tree#x": "/applications/shop?view=tree#x", "": "/", "applications": "/", "//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "https://evil.example": "/",
		"/%2f/evil.example": "/", "/%5cevil.example": "/", "/a b": "/", "/a\tb": "/", "/a\nb": "/", "javascript:alert(1)": "/", "/x?u=https://evil.example": "/x?u=https://evil.example", "/" + strings.Repeat("a", 2048): "/", "/%zz": "/",
	} {
		if got := ReturnPath(asked); got != want {
			t.Errorf("%q: got %q, want %q", asked, got, want)
		}
	}
}

func FuzzReturnPath(f *testing.F) {
	f.Add("/a")
	f.Add("//evil.example")
	f.Fuzz(func(t *testing.T, asked string) {
		base, _ := url.Parse("https://cd.example/login")
		to, err := base.Parse(ReturnPath(asked))
		if err != nil || to.Host != "cd.example" || to.Scheme != "https" {
			t.Errorf("%q leads to %v, %v", asked, to, err)
		}
	})
}
