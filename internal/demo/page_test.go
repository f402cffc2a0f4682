package demo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/testkit"
)

func TestThePageIsNamed(t *testing.T) {
	for _, c := range []struct {
		page
		want []string
	}{
		{page{}, nil},
		{page{"http://127.0.0.1:8080/", "s3cret"}, []string{"  page       http://127.0.0.1:8080/", "  user       admin", "  password   s3cret"}},
		{page{"http://127.0.0.1:8080/", ""}, []string{"  page       http://127.0.0.1:8080/", "  user       admin", "  password   the one that was set"}},
	} {
		if got := c.lines(); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.page, got, c.want)
		}
	}
}

// Where the usual address is taken, the page has another.
func TestTwoDemosHaveAPageEach(t *testing.T) {
	one, err := listenForPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := listenForPage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	if one.Addr().String() == two.Addr().String() {
		t.Errorf("both at %s", one.Addr())
	}
}

// The page is opened on a desktop, and nowhere else.
func TestThePageIsOpenedOnADesktop(t *testing.T) {
	dir := t.TempDir()
	opened := filepath.Join(dir, "opened")
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" > "+opened+".part && mv "+opened+".part "+opened+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	if err := openInBrowser(t.Context(), "http://127.0.0.1:1/", func(string) string { return "" }); !errors.Is(err, errNoDesktop) {
		t.Errorf("without a desktop: %v", err)
	}
	if err := openInBrowser(t.Context(), "http://127.0.0.1:2/", func(name string) string { return map[string]string{"WAYLAND_DISPLAY": "wayland-0"}[name] }); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, time.Minute, "the page is opened", func() error {
		text, err := os.ReadFile(opened)
		if err == nil && string(text) != "http://127.0.0.1:2/\n" {
			return errors.New(string(text))
		}
		return err
	})
}
