package rollout_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var (
	seed     = flag.Uint64("seed", 0, "live this one random life, instead of many")
	logLines = flag.Int("log", 40, "how many lines of the log of a life that failed are shown")
)

// chances decides what happens next in a random life.
type chances interface{ IntN(n int) int }

// bytes are chances that a fuzzer chooses; when they end, nothing happens any more.
type bytes struct{ left []byte }

func (b *bytes) IntN(n int) int {
	if len(b.left) == 0 {
		return n - 1
	}
	first := int(b.left[0])
	b.left = b.left[1:]
	return first % n
}

// TestCrashesAnywhere lives through random lives in which the controller is stopped at any write, and sees the
// cluster late. The invariants hold all the way, and in the end the newest version serves.
func TestCrashesAnywhere(t *testing.T) {
	first, lives := uint64(1), uint64(400)
	if testing.Short() {
		lives = 12
	}
	if *seed != 0 {
		first, lives = *seed, 1
	}
	t.Logf("seeds %d to %d", first, first+lives-1)
	for s := first; s < first+lives; s++ {
		if problem := liveRandomly(rand.New(rand.NewPCG(s, 1))); problem != "" {
			t.Fatalf("%s\nrepeat it: go test ./internal/rollout -run TestCrashesAnywhere -seed %d", problem, s)
		}
	}
}

func FuzzCrashesAnywhere(f *testing.F) {
	f.Add([]byte("a life that nobody has thought of"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	f.Fuzz(func(t *testing.T, data []byte) {
		if problem := liveRandomly(&bytes{data[:min(len(data), 400)]}); problem != "" {
			t.Fatal(problem)
		}
	})
}

// disturbances are what may happen at any time in a random life.
var disturbances = [][]string{
	{"image", "v2"}, {"image", "v3"}, {"image", "v1"}, {"promote"}, {"promote", "full"}, {"abort"}, {"retry"}, {"scale", "2"}, {"scale", "4"},
	{"strip", "active"}, {"strip", "preview"}, {"freeze", "active"}, {"thaw", "active"}, {"freeze", "preview"}, {"thaw", "preview"}, {"pause"}, {"resume"},
	{"never", "v3"}, {"ready", "v3"}, {"forget"}, {"restart"}, {"fail", "scale"}, {"mend", "scale"},
	{"fail", "switch"}, {"mend", "switch"}, {"conflict", "status"}, {"conflict", "switch"}, {"lag", "3s"}, {"lag", "0s"}, {"guard"}, {"unguard"}, {"linger", "4s"},
	{"stop"}, {"start"},
}

// recoveries end what has been disturbed.
var recoveries = [][]string{
	{"thaw", "active"}, {"thaw", "preview"}, {"ready", "v3"}, {"resume"}, {"mend", "scale"}, {"mend", "switch"}, {"lag", "0s"}, {"unguard"}, {"start"}, {"image", "v9"},
}

// liveRandomly lives a random life, and returns what went wrong.
func liveRandomly(random chances) (problem string) {
	ro := exampleRollout()
	bg := ro.Spec.Strategy.BlueGreen
	if random.IntN(2) == 0 {
		bg.PreviewReplicaCount = new(int32(1))
	}
	bg.AutoPromotionSeconds = int32(random.IntN(3))
	bg.ScaleDownDelaySeconds = new(int32(random.IntN(10)))
	c := newController(ro)
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(end)
			if !ok {
				panic(r)
			}
			problem = e.problem
		}
		if problem != "" {
			problem += "\n" + strings.Join(c.log[max(0, len(c.log)-*logLines):], "\n")
		}
	}()
	c.addServices()
	c.crash = func() bool { return random.IntN(4) == 0 }
	c.stale = func() bool { return random.IntN(3) == 0 }
	c.runUntil(began.Add(30 * time.Second))
	for range 25 {
		c.disturb(disturbances[random.IntN(len(disturbances))])
		c.runUntil(c.now.Add(time.Duration(random.IntN(12)) * time.Second))
	}
	for _, recovery := range recoveries {
		c.disturb(recovery)
	}
	c.crash, c.stale, c.changed = nil, nil, true
	c.runUntil(c.now.Add(2 * time.Minute))
	s := &story{controller: c}
	for _, want := range [][]string{{"active", "v9"}, {"stable", "v9"}, {"phase", "Healthy"}, {"condition", "Progressing True NewReplicaSetAvailable"}} {
		if problem := s.expect(want[0], strings.Fields(want[1]), nil); problem != "" {
			return fmt.Sprintf("in the end: %v: %s", want, problem)
		}
	}
	return ""
}

func (c *controller) disturb(words []string) {
	c.note("> %s", strings.Join(words, " "))
	if problem := c.command(words[0], words[1:]); problem != "" {
		c.fatal("%s", problem)
	}
	c.changed = true
	c.settle()
}
