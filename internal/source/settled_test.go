package source

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// Who misses an object while another process is making the mirror anew waits for it, and reads again.
func TestReadersWaitForTheMirrorThatIsMadeAnew(t *testing.T) {
	r := &bareMirror{dir: filepath.Join(t.TempDir(), "m.git"), fetching: make(chan struct{}, 1)}
	r.objects = &objectStore{life: t.Context()}
	unlock, err := lockFile(t.Context(), r.dir+".lock")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 2)
	mended := make(chan struct{})
	got := make(chan string, 1)
	go func() {
		value, err := readSettled(t.Context(), r, func() (string, error) {
			asked <- struct{}{}
			select {
			case <-mended:
				return "whole", nil
			default:
				return "", errMissing
			}
		})
		if err != nil {
			value = err.Error()
		}
		got <- value
	}()
	<-asked
	select {
	case value := <-got:
		t.Fatalf("it did not wait, and read %q", value)
	case <-time.After(50 * time.Millisecond):
	}
	close(mended)
	unlock()
	if value := <-got; value != "whole" {
		t.Error(value)
	}
	if r.isCorrupt() {
		t.Error("mirror: marked as corrupt while another process makes it anew")
	}
}

// What is missing for good is missing, and a reader that is told to stop does.
func TestReadersDoNotWaitForEver(t *testing.T) {
	r := &bareMirror{dir: filepath.Join(t.TempDir(), "m.git"), fetching: make(chan struct{}, 1)}
	r.objects = &objectStore{life: t.Context()}
	missing := func() (string, error) { return "", errMissing }
	if _, err := readSettled(t.Context(), r, missing); !errors.Is(err, errMissing) {
		t.Error(err)
	}
	unlock, err := lockFile(t.Context(), r.dir+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readSettled(ctx, r, missing); !errors.Is(err, errMissing) && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
