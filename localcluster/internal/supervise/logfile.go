package supervise

import (
	"io"
	"os"
	"strings"
)

const (
	// maxLog is how large a part's log may grow, in bytes, before it is moved aside. One older log is kept.
	maxLog = 16 << 20
	tail   = 8 << 10
)

// RotateLogs moves the content of logs that have grown too large to a file beside them.
func (g *Group) RotateLogs() {
	for _, p := range g.named(nil) {
		if info, err := os.Stat(p.spec.Log); err == nil && info.Size() > maxLog {
			rotateLog(p.spec.Log)
		}
	}
}

// rotateLog copies and truncates: the part keeps its file open, and appends to whatever it is.
func rotateLog(name string) {
	from, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer from.Close()
	to, err := os.Create(name + ".1")
	if err != nil {
		return
	}
	defer to.Close()
	if _, err := io.Copy(to, from); err == nil {
		_ = from.Truncate(0)
	}
}

// lastLine is the last line of a log that is not empty, shortened to what a person reads at a glance.
func lastLine(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tail {
		_, _ = f.Seek(-tail, io.SeekEnd)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	const most = 400
	if len(line) > most {
		line = line[:most] + "…"
	}
	return line
}
