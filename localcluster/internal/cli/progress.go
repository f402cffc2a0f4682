package cli

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress prints what is going on, for a person: a line for each thing done, and in a terminal a running clock on what
// is at work.
type progress struct {
	to       *os.File
	terminal bool
	began    time.Time

	mu   sync.Mutex
	now  string
	stop chan struct{}
	over sync.WaitGroup
}

func newProgress(to *os.File) *progress {
	return &progress{to: to, terminal: term.IsTerminal(int(to.Fd())) && os.Getenv("TERM") != "dumb", began: time.Now(), stop: make(chan struct{})}
}

func (p *progress) seconds() float64 { return time.Since(p.began).Seconds() }

// working shows what is at work from now on.
func (p *progress) working(text string) {
	p.mu.Lock()
	p.now = text
	p.mu.Unlock()
	if !p.terminal {
		fmt.Fprintf(p.to, "%s\n", text)
		return
	}
	p.over.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			p.mu.Lock()
			fmt.Fprintf(p.to, "\r\x1b[K  … %s  %.1fs", p.now, p.seconds())
			p.mu.Unlock()
			select {
			case <-p.stop:
				return
			case <-tick.C:
			}
		}
	})
}

// done prints a line that stays.
func (p *progress) done(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprintf(p.to, "\r\x1b[K  \x1b[36m✓\x1b[0m %s  %.1fs\n", text, p.seconds())
		return
	}
	fmt.Fprintf(p.to, "%s (%.1fs)\n", text, p.seconds())
}

func (p *progress) close() {
	close(p.stop)
	p.over.Wait()
	if p.terminal {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}
