package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is what the server has used up so far.
type usage struct {
	cpu time.Duration
	// rss and peak are bytes of memory: resident now, and at most so far; file is the part of rss that is pages of files.
	rss, peak, file int64
	// requests counts requests to API servers by method, looks those at Applications, and renders the sources that were
	// rendered; -1 where nothing counts them.
	requests       map[string]float64
	looks, renders float64
	// kinds counts requests by what they do to which resource.
	kinds map[string]float64
}

// byResource writes the requests of each kind, for some Applications: those that some have, the most frequent first.
func (u usage) byResource(n int) string {
	const seldom = 0.05
	var parts []string
	for _, kind := range slices.SortedFunc(maps.Keys(u.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(u.kinds[b], u.kinds[a]), cmp.Compare(a, b))
	}) {
		if each := u.kinds[kind] / float64(n); each >= seldom {
			parts = append(parts, fmt.Sprintf("%s %.1f", kind, each))
		}
	}
	return strings.Join(parts, ", ")
}

// calls are all requests to the API server.
func (u usage) calls() float64 {
	var n float64
	for _, count := range u.requests {
		n += count
	}
	return n
}

// writes are the requests that change something.
func (u usage) writes() float64 {
	return u.requests["POST"] + u.requests["PUT"] + u.requests["PATCH"] + u.requests["DELETE"]
}

// each writes the requests of each method, for some Applications.
func (u usage) each(n int) string {
	var parts []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if count := u.requests[method]; count > 0 {
			parts = append(parts, fmt.Sprintf("%s %.1f", method, count/float64(n)))
		}
	}
	return strings.Join(parts, ", ")
}

// since is what was used up after before was taken.
func (u usage) since(before usage) usage {
	d := usage{cpu: u.cpu - before.cpu, rss: u.rss, peak: u.peak, file: u.file, requests: map[string]float64{}, kinds: map[string]float64{}, looks: u.looks - before.looks, renders: -1}
	for method, n := range u.requests {
		d.requests[method] = n - before.requests[method]
	}
	for kind, n := range u.kinds {
		d.kinds[kind] = n - before.kinds[kind]
	}
	if u.renders >= 0 {
		d.renders = u.renders - max(0, before.renders)
	}
	return d
}

// usage reads the counters first and the CPU time last, so that answering is not counted in what follows.
func (s *server) usage(ctx context.Context) (usage, error) {
	u := usage{requests: map[string]float64{}, kinds: map[string]float64{}, renders: -1}
	metrics, err := get(ctx, s.address, "/metrics")
	if err != nil {
		return u, err
	}
	u.count(metrics)
	status, err := os.ReadFile(filepath.Join(s.proc(), "status"))
	if err != nil {
		return u, err
	}
	u.rss, u.peak, u.file = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:"), kilobytes(status, "RssFile:")
	u.cpu, err = s.cpu()
	return u, err
}

func (s *server) proc() string { return filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid)) }

// clockTicks is the unit of CPU times in /proc, a second's hundredth on Linux.
const clockTicks = 100

// cpu is the time that the process has used, with that of its children that have ended, such as git's.
func (s *server) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(filepath.Join(s.proc(), "stat"))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	var used time.Duration
	for _, at := range []int{11, 12, 13, 14} {
		ticks, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return 0, err
		}
		used += time.Duration(ticks) * time.Second / clockTicks
	}
	return used, nil
}

// resident is the memory of the process and of all that it has started, such as git.
func (s *server) resident() int64 { return residentOf(strconv.Itoa(s.cmd.Process.Pid)) }

func residentOf(pid string) int64 {
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0
	}
	sum := kilobytes(status, "VmRSS:")
	threads, _ := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "children"))
	for _, thread := range threads {
		children, _ := os.ReadFile(thread)
		for child := range strings.FieldsSeq(string(children)) {
			sum += residentOf(child)
		}
	}
	return sum
}

// heap is the memory that is in use after a collection of garbage.
func (s *server) heap(ctx context.Context) (int64, error) {
	text, err := get(ctx, s.profiles, "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte("\n# HeapAlloc = "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strconv.ParseInt(string(line), 10, 64)
}

func kilobytes(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte(name))
	var n int64
	_, _ = fmt.Sscan(string(rest), &n)
	return n << 10
}

// count adds up what the metrics tell of.
func (u *usage) count(metrics []byte) {
	lines := bufio.NewScanner(bytes.NewReader(metrics))
	lines.Buffer(nil, len(metrics)+1)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "} ")
		if !ok {
			name, value, ok = strings.Cut(lines.Text(), " ")
		}
		n, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			continue
		}
		switch {
		case strings.HasPrefix(name, "rest_client_requests_total{"):
			_, method, _ := strings.Cut(name, `method="`)
			u.requests[strings.SplitN(method, `"`, 2)[0]] += n
		case strings.HasPrefix(name, "cyan_api_requests_total{"):
			u.kinds[kindOf(name)] += n
		case strings.HasPrefix(name, "argocd_app_reconcile_count"):
			u.looks += n
		case strings.HasPrefix(name, "cyan_renders_total"):
			u.renders = max(0, u.renders) + n
		}
	}
}

// kindOf is what the labels of cyan_api_requests_total say.
func kindOf(name string) string {
	label := func(key string) string {
		_, value, _ := strings.Cut(name, key+`="`)
		return strings.SplitN(value, `"`, 2)[0]
	}
	kind := label("verb") + " " + label("resource")
	if label("dry_run") == "true" {
		kind = "dry-run " + kind
	}
	return kind
}
