package main

import (
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// bytesASecond is how much Go source a processor compiles, as measured with Kubernetes on one of 2026.
	bytesASecond = 178_000
	// perPackage is what a package costs whatever its size, in bytes of source.
	perPackage = 15_000
	// longBuild is how long a build has to take for it to be announced.
	longBuild = 45 * time.Second
	// trusted is the share of a build from which on its own pace alone says when it ends.
	trusted = 0.3
	// slowing is how much slower a build gets: the packages that come last are large, and wait for each other. A share of
	// what is to be compiled takes that share of the time, to the power of this, as measured with Kubernetes.
	slowing = 1.5
	// mostUnusual is how many times as long as usual a build can take by the pace of its beginning.
	mostUnusual = 5
	// lengthened is how much longer than was shown the rest has to take to be shown so: less goes up and down.
	lengthened = 1.25
)

// importPath is what `go build -v` prints of a package that it compiles. No line of an error is one: these have a
// colon or a space.
var importPath = regexp.MustCompile(`^[A-Za-z0-9_.~+/-]+\n$`)

// show prints how far a build is.
type show struct {
	out        io.Writer
	terminal   bool
	then       string
	began      time.Time
	processors int

	// names are the packages that are compiled or were, in their order.
	names []string
	// sizes are those of all packages; nil before there is a plan. Of them count packages are to be compiled or were.
	sizes map[string]int64
	count int
	// done and total are sizes, with what each package costs whatever its own.
	done, total int64
	drawn       bool
	// shown is how long the rest was to take when it was shown last.
	shown time.Duration
}

func (s *show) started() int { return len(s.names) }

// line takes a line of the build's: the name of a package is counted, and everything else passed on.
func (s *show) line(text string) {
	name := strings.TrimSuffix(text, "\n")
	if importPath.MatchString(text) && s.known(name) {
		s.names = append(s.names, name)
		s.done += s.sizes[name] + perPackage
		return
	}
	s.clear()
	fmt.Fprint(s.out, text)
}

// known reports whether a name is that of a package; every one may be before there is a plan.
func (s *show) known(name string) bool {
	_, known := s.sizes[name]
	return known || s.sizes == nil
}

// planned takes what is to be compiled from now on. What has been compiled before counts as well; what is no package
// was printed for another reason, and is passed on.
func (s *show) planned(p plan) {
	taken, all := s.names, map[string]bool{}
	s.sizes, s.names, s.done, s.total = p.sizes, nil, 0, 0
	for _, name := range taken {
		s.line(name + "\n")
	}
	for _, name := range append(slices.Clone(s.names), p.pending...) {
		if !all[name] {
			all[name] = true
			s.total += s.sizes[name] + perPackage
		}
	}
	s.count = len(all)
	if left := s.left(s.began); left >= longBuild {
		s.clear()
		fmt.Fprintln(s.out, announcement(s.count, left, s.processors, s.then))
	}
}

func announcement(packages int, left time.Duration, processors int, then string) string {
	text := fmt.Sprintf("The first build compiles %d packages, Kubernetes among them: %s on %d processors. Later builds take seconds.", packages, about(left), processors)
	if then != "" {
		text += " " + then
	}
	return text
}

// left is how long the rest takes: by what is usual at first, by its own pace later.
func (s *show) left(now time.Time) time.Duration {
	share := float64(s.done) / float64(max(s.total, 1))
	spent := math.Pow(min(share, 1), slowing)
	usual := float64(s.total) / bytesASecond / float64(max(s.processors, 1)) * (1 - spent)
	if s.done == 0 {
		return time.Duration(usual * float64(time.Second))
	}
	own := now.Sub(s.began).Seconds() * (1 - spent) / spent
	weight := min(share/trusted, 1)
	if weight < 1 {
		own = min(own, mostUnusual*usual) // the beginning is worth no more
	}
	return time.Duration((weight*own + (1-weight)*usual) * float64(time.Second))
}

// steady is left, without going up and down by little.
func (s *show) steady(now time.Time) time.Duration {
	left := s.left(now)
	if s.shown == 0 || left < s.shown || float64(left) > lengthened*float64(s.shown) {
		s.shown = left
	}
	return s.shown
}

// tick shows how far the build is now.
func (s *show) tick(now time.Time) {
	if s.started() == 0 || !s.terminal && s.sizes == nil {
		return
	}
	text := s.status(now)
	if s.terminal {
		fmt.Fprintf(s.out, "\r\x1b[K  … %s", text)
		s.drawn = true
		return
	}
	fmt.Fprintln(s.out, text)
}

func (s *show) status(now time.Time) string {
	switch {
	case s.sizes == nil:
		return counted(s.started()) + " compiled"
	case s.started() >= s.count:
		return fmt.Sprintf("%d of %d packages compiled, linking", s.started(), s.started())
	}
	percent := 100 * s.done / max(s.total, 1)
	return fmt.Sprintf("%d of %d packages compiled, %d%%, %s left", s.started(), s.count, percent, about(s.steady(now)))
}

// about is a time in words, no more exact than it can be.
func about(d time.Duration) string {
	if d < 90*time.Second {
		return fmt.Sprintf("about %d s", max(5, int(d.Seconds()+2.5)/5*5))
	}
	return fmt.Sprintf("about %d min", int(d.Minutes()+0.5))
}

// clear takes the line away that is rewritten.
func (s *show) clear() {
	if s.drawn {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.drawn = false
	}
}

// finished ends the show of a build that worked.
func (s *show) finished(now time.Time) {
	if s.sizes != nil && !s.terminal {
		fmt.Fprintf(s.out, "%s compiled in %s\n", counted(s.started()), now.Sub(s.began).Round(time.Second))
	}
}

// failed passes on what was taken for the name of a package and is none.
func (s *show) failed(packages map[string]int64) {
	for _, name := range s.names {
		if _, known := packages[name]; !known {
			fmt.Fprintln(s.out, name)
		}
	}
}

func counted(n int) string {
	if n == 1 {
		return "1 package"
	}
	return fmt.Sprintf("%d packages", n)
}
