package rollout_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// chances decides what happens next in a random story.
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

// TestCrashesAnywhere lives through random stories in which the controller is stopped at any write, and sees the cluster late. The simulation's invariants
// hold all the way, and in the end the newest version serves.
func TestCrashesAnywhere(t *testing.T) {
	stories := uint64(400)
	if testing.Short() {
		stories = 50
	}
	for seed := range stories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { liveThrough(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func FuzzCrashesAnywhere(f *testing.F) {
	f.Add([]byte("a story that nobody has thought of"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	f.Fuzz(func(t *testing.T, data []byte) { liveThrough(t, &bytes{data[:min(len(data), 400)]}) })
}

func liveThrough(t *testing.T, random chances) {
	commands := [][]string{
		{"image", "v2"}, {"image", "v3"}, {"image", "v1"}, {"promote"}, {"promote", "full"}, {"abort"}, {"retry"}, {"scale", "2"}, {"scale", "4"},
		{"strip", "active"}, {"strip", "preview"}, {"freeze"}, {"thaw"}, {"pause"}, {"resume"}, {"never", "v3"}, {"ready", "v3"}, {"forget"}, {"restart"},
	}
	s := newSimulation(t, exampleRollout())
	bg := s.ro.Spec.Strategy.BlueGreen
	if random.IntN(2) == 0 {
		bg.PreviewReplicaCount = new(int32(1))
	}
	bg.AutoPromotionSeconds = int32(random.IntN(3))
	bg.ScaleDownDelaySeconds = new(int32(random.IntN(10)))
	s.crash = func() bool { return random.IntN(4) == 0 }
	s.stale = func() bool { return random.IntN(3) == 0 }
	s.runUntil(began.Add(30 * time.Second))
	for range 25 {
		words := commands[random.IntN(len(commands))]
		s.log = append(s.log, s.clock()+" > "+strings.Join(words, " "))
		if problem := s.command(words[0], words[1:]); problem != "" {
			t.Fatal(problem)
		}
		s.runUntil(s.now.Add(time.Duration(random.IntN(12)) * time.Second))
	}
	for _, last := range [][]string{{"thaw"}, {"ready", "v3"}, {"resume"}, {"image", "v9"}} {
		s.command(last[0], last[1:])
	}
	s.crash, s.stale = nil, nil
	s.runUntil(s.now.Add(2 * time.Minute))
	for _, want := range [][]string{{"active", "v9"}, {"stable", "v9"}, {"phase", "Healthy"}} {
		if problem := s.expect(want[0], want[1:]); problem != "" {
			t.Fatalf("%v: %s\n%s", want, problem, strings.Join(s.log[max(0, len(s.log)-40):], "\n"))
		}
	}
}
