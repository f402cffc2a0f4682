package devloop

import (
	"fmt"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/image"
)

const (
	// slowAfter is when it is said that a build goes on, and toldEvery how often how far it is.
	slowAfter = 4 * time.Second
	toldEvery = time.Second
)

// tellWhenSlow reports of a build that takes its time why, and how far it is, until end is called.
func (b *builds) tellWhenSlow(round int, a *artifact, start time.Time) (end func()) {
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		_ = guarded(func() error { b.tellSlow(over, round, a, start); return nil })()
	})
	return func() {
		close(over)
		telling.Wait()
	}
}

func (b *builds) tellSlow(over <-chan struct{}, round int, a *artifact, start time.Time) {
	wait := time.NewTimer(slowAfter)
	defer wait.Stop()
	said := ""
	for {
		select {
		case <-over:
			return
		case <-wait.C:
			wait.Reset(toldEvery)
		}
		if text := b.whySlow(a); text != said {
			said = text
			b.report(Event{Kind: Building, Round: round, Artifact: a.Image, Text: text, Took: time.Since(start)})
		}
	}
}

// whySlow is what a build takes its time for, and how far it is where that is known.
func (b *builds) whySlow(a *artifact) string {
	far := howFar(a.compiling.Load())
	switch {
	case b.options.debugOf(a) != nil && a.built.Digest == "":
		return "still compiling: for a debugger, all packages are compiled anew once, those of the standard library as well" + far
	case a.built.Digest == "":
		return "still building: the first time, everything that it stands on is as well" + far
	}
	return "still building" + far
}

// howFar is how far a compiler is, behind why it takes its time; "" where it has compiled nothing.
func howFar(p *image.Progress) string {
	switch {
	case p == nil || p.Done == 0:
		return ""
	case p.All == 0 && p.Done == 1:
		return "; 1 package compiled"
	case p.All == 0:
		return fmt.Sprintf("; %d packages compiled", p.Done)
	case p.Done < p.All:
		return fmt.Sprintf("; %d of %d packages compiled", p.Done, p.All)
	}
	return fmt.Sprintf("; all %d packages compiled, linking", p.All)
}
