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
	r := &mirror{dir: filepath.Join(t.TempDir(), "m.git"), fetching: make(chan struct{}, 1)}
	r.objects = &objects{life: t.Context()}
	unlock, err := lockFile(t.Context(), r.dir+".lock")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 2)
	mended := make(chan struct{})
	got := make(chan string, 1)
	go func() {
		value, err := settled(t.Context(), r, func() (string, error) {
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
	if r.isDamaged() {
		t.Error("the mirror is blamed for another's work")
	}
}

// What is missing for good is missing, and a reader that is told to stop does.
func TestReadersDoNotWaitForEver(t *testing.T) {
	r := &mirror{dir: filepath.Join(t.TempDir(), "m.git"), fetching: make(chan struct{}, 1)}
	r.objects = &objects{life: t.Context()}
	missing := func() (string, error) { return "", errMissing }
	if _, err := settled(t.Context(), r, missing); !errors.Is(err, errMissing) {
		t.Error(err)
	}
	unlock, err := lockFile(t.Context(), r.dir+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := settled(ctx, r, missing); !errors.Is(err, errMissing) && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
