package application

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cd/cyan/internal/source"
)

// TestVerdicts: a verdict counts for its time, is forgotten when it can't be reached any more, and many cost no more
// than their bound.
func TestVerdicts(t *testing.T) {
	var v verdicts
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	good, bad := source.Signature{State: source.SignatureGood}, source.Signature{}
	of := func(sha string) verdictOf { return verdictOf{"repository", "main", sha, "keys"} }
	v.put(of("good"), good, now)
	v.put(of("bad"), bad, now)
	for _, c := range []struct {
		sha   string
		after time.Duration
		known bool
	}{
		{"good", 0, true}, {"good", goodVerdictFor - 1, true}, {"good", goodVerdictFor, false},
		{"bad", otherVerdictFor - 1, true}, {"bad", otherVerdictFor, false}, {"never", 0, false},
	} {
		if _, known := v.get(of(c.sha), now.Add(c.after)); known != c.known {
			t.Errorf("%s after %s: known %v, want %v", c.sha, c.after, known, c.known)
		}
	}
	v.forget(of("good"))
	if _, known := v.get(of("good"), now); known {
		t.Error("a verdict that was forgotten is known")
	}
	for i := range 3 * maxVerdicts {
		v.put(of(fmt.Sprint(i)), good, now)
		if len(v.of) > maxVerdicts {
			t.Fatalf("%d verdicts are kept, want %d at most", len(v.of), maxVerdicts)
		}
	}
}
